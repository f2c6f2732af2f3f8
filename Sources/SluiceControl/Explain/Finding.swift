// What the linter says: a place, what is odd there, and what to do. Findings never refuse anything: what is wrong is the business of the
// checks, what is merely not meant is the linter's.

struct Finding: Sendable, Equatable {
    /// Names of rules; they stand in answers, so they stay.
    enum Rule: String, Sendable, CaseIterable {
        case shadowedRoute = "shadowed-route"
        case unreachableRoute = "unreachable-route"
        case constantCondition = "constant-condition"
        case unusedCluster = "unused-cluster"
        case unusedIPSet = "unused-ip-set"
        case unknownConsumer = "unknown-consumer"
        case costlyPattern = "costly-pattern"
        case costlyCondition = "costly-condition"
        case caseTwins = "case-twins"
    }
    var rule: Rule
    /// "routes[3].match.when", as in messages of the check.
    var path: String
    /// "routes/users": the object, for those who know it by its id.
    var object: String
    var message: String
    var advice: String

    var line: String { "\(object) (\(rule.rawValue)): \(message); \(advice)" }
    var json: JSONValue {
        .object([
            ("rule", .string(rule.rawValue)), ("path", .string(path)), ("object", .string(object)), ("message", .string(message)),
            ("advice", .string(advice)),
        ])
    }
}
