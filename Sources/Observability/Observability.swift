// Observability: log lines and metrics. Knows no domain; rooms above declare what they count.
//
// Invariants of the room:
// - No secret leaves through a line: the sink redacts, not the caller.
// - Label values come from closed sets; a family bounds how many series it makes.
// - A metric registers itself when it is made, so it is there from the first scrape after that.
