// What type parameters stand for while an expression is checked: the A of `list(A) + list(A)`, and the elements of `[]`, which later uses
// decide. Source: CEL language definition, "Gradual Type Checking".

struct TypeBindings {
    private var bound: [String: CELType] = [:]
    private var made = 0

    /// A parameter that stands for something of its own.
    mutating func fresh() -> CELType {
        made += 1
        return .parameter("#\(made)")
    }

    /// Parameters of a declaration, renamed so that they are this call's own.
    mutating func instantiate(_ types: [CELType]) -> [CELType] {
        var names: [String: CELType] = [:]
        return types.map { rename($0, &names) }
    }

    private mutating func rename(_ type: CELType, _ names: inout [String: CELType]) -> CELType {
        switch type {
        case .parameter(let name):
            if let known = names[name] { return known }
            let new = fresh()
            names[name] = new
            return new
        case .list(let element): return .list(rename(element, &names))
        case .map(let key, let value): return .map(rename(key, &names), rename(value, &names))
        default: return type
        }
    }

    /// The type with all that is known put in; parameters that nothing decided stay.
    func resolve(_ type: CELType) -> CELType {
        switch type {
        case .parameter(let name): bound[name].map(resolve) ?? type
        case .list(let element): .list(resolve(element))
        case .map(let key, let value): .map(resolve(key), resolve(value))
        default: type
        }
    }

    /// Like `resolve`; what nothing decided is `dyn`.
    func final(_ type: CELType) -> CELType {
        switch resolve(type) {
        case .parameter, .unknown: .dyn
        case .list(let element): .list(final(element))
        case .map(let key, let value): .map(final(key), final(value))
        case let known: known
        }
    }

    /// Whether a value of type `value` can stand where `target` is wanted; binds parameters. After false, bindings are to be thrown away.
    mutating func assign(_ target: CELType, _ value: CELType) -> Bool {
        if case .parameter(let name) = target { return assign(parameter: name, value) }
        if case .parameter(let name) = value { return assign(parameter: name, target) }
        switch (target, value) {
        case (.dyn, _), (_, .dyn): return true
        case (.list(let a), .list(let b)): return assign(a, b)
        case (.map(let a, let b), .map(let c, let d)): return assign(a, c) && assign(b, d)
        default: return target == value
        }
    }

    private mutating func assign(parameter name: String, _ value: CELType) -> Bool {
        guard let known = bound[name] else {
            let value = resolve(value)
            if value == .parameter(name) { return true }
            guard !mentions(value, name) else { return false }
            bound[name] = value
            return true
        }
        guard assign(known, value) else { return false }
        bound[name] = general(known, resolve(value))
        return true
    }

    private func mentions(_ type: CELType, _ name: String) -> Bool {
        switch type {
        case .parameter(let other): other == name
        case .list(let element): mentions(element, name)
        case .map(let key, let value): mentions(key, name) || mentions(value, name)
        default: false
        }
    }

    /// The more general of two types of which one can stand for the other: where one says `dyn`, `dyn`.
    func general(_ a: CELType, _ b: CELType) -> CELType {
        // A parameter that is bound elsewhere stays what it is, so that what is learned of it later counts here.
        switch (a, b) {
        case (.parameter, _): resolve(b) == .dyn ? .dyn : a
        case (.dyn, _), (_, .dyn): .dyn
        case (.list(let c), .list(let d)): .list(general(c, d))
        case (.map(let c, let d), .map(let e, let f)): .map(general(c, e), general(d, f))
        default: a
        }
    }

    /// Type of elements that are of both types: `dyn` when they have nothing in common.
    mutating func join(_ a: CELType, _ b: CELType) -> CELType {
        var tried = self
        guard tried.assign(a, b) else { return .dyn }
        self = tried
        return general(resolve(a), resolve(b))
    }
}
