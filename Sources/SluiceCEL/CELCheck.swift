// The front door of the front end: text in, checked expression or a problem with its place out. Everything that compiles conditions
// (configuration check, admin API, `sluice rule eval`) comes through here.

public enum CELCheck {
    /// Parses and checks `text`. `expecting` is the type that it must have (a condition: `.bool`); `dyn` passes, its values are looked at
    /// when it runs.
    public static func compileFront(
        _ text: String, environment: CELEnvironment, expecting: CELType? = nil
    ) -> Result<CheckedExpression, CELProblem> {
        Result { () throws(CELProblem) in
            var checker = Checker(expression: try Parser.parse(text), environment: environment)
            return try checker.whole(expecting: expecting)
        }
    }
}
