// Limits of the admin API. Unit last in the name; nothing of the data plane reads them.

extension Limits {
    /// Requests a second of one client address, and what may be set.
    public static let adminRateLimit = 1000
    public static let adminRateRange = 1...100_000
}
