// What the store answers to. The functions are in the files by subject; batches of logs are in `LogWriter`.

extension DatabaseStore: GroupStore {}
extension DatabaseStore: OutboxStore {}
extension DatabaseStore: LedgerStore {}
extension DatabaseStore: ServiceStore {}
