// Simulator: a Bot API server of our own, so that a real bot runs against it.
//
// Invariants of the room:
// - `World` is a value: state and rules of chats, people and methods. It knows no clock, no socket and no store;
//   time and randomness come in, replies, updates and events come out. Same seed, same calls: same world.
// - `Simulator` owns one world, serves it over HTTP, delivers its updates and lets its people act.
// - What is assumed about Telegram without a source stands in docs/simulator.md.
