// Handlers: one file for each thing that can happen: an update, a command, an effect, a job.
//
// Invariants of the room:
// - A handler gathers facts, asks the gate, records what follows, and has it performed. It decides nothing itself.
// - Nothing is done to Telegram that was not recorded first, but answers to button presses.
// - Handlers own no state between updates: what is remembered lives in `Storage/Cache` and is handed to them.
