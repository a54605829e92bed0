#include "cswiftjobs.h"

#include <stdbool.h>

typedef __attribute__((swiftcall)) void (*enqueue_global)(void *job);

// Exported by the Swift runtime (libswift_Concurrency) for this purpose; read at each enqueueing.
extern __attribute__((swiftcall)) void (*swift_task_enqueueGlobal_hook)(void *job, enqueue_global original);

static _Thread_local bool takes_jobs;
static void (*take_job)(void *job);

static __attribute__((swiftcall)) void enqueue(void *job, enqueue_global original) {
    if (takes_jobs) {
        take_job(job);
    } else {
        original(job);
    }
}

void nezuko_take_jobs_of_this_thread(void (*take)(void *job)) {
    takes_jobs = true;
    take_job = take;
    swift_task_enqueueGlobal_hook = enqueue;
}
