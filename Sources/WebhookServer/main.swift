// nezuko: the front door. Blocks signals, starts the loop with the command, ends with its exit code.

import EventLoop
import Glibc

Signals.block()

let arguments = Array(CommandLine.arguments.dropFirst())
Task { @IO in
    exit(await Program.run(arguments).rawValue)
}
// All work is on the loop's thread; this one only keeps the process.
while true { pause() }
