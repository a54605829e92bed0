// Where the Swift runtime puts jobs that have no executor of their own.
#ifndef NEZUKO_CSWIFTJOBS_H
#define NEZUKO_CSWIFTJOBS_H

// From now on, such a job that is enqueued by the calling thread goes to `take` instead of the runtime's pool.
// Jobs of other threads go to the pool as before. For one thread of the process, before it runs any job.
void nezuko_take_jobs_of_this_thread(void (*take)(void *job));
#endif
