// The list of LISTEN for commands that take it as an argument.

extension ListenEntry {
    /// Reads addresses with commas between, as in LISTEN: `http://HOST:PORT`, `https://HOST:PORT`; bare ones are http.
    ///
    /// Nothing if one of them is no address.
    public static func list(_ text: String) -> [ListenEntry]? {
        do throws(Malformed) {
            return try Parser.listen(bareIsTLS: false).parse(text, "")
        } catch {
            return nil
        }
    }
}
