// YAML text → `ConfigNode` tree, over libyaml's events (the parser inside Yams; Yams' own composer stops at the first key
// given twice, expands aliases without bound and recurses without bound). Anchors, aliases, tags, merge keys and several
// documents are refused: a configuration means what stands there. `Variables.swift` then puts values in.
import CYaml
import SluiceModel

enum YAMLTree {
    /// The tree of `text`, or the one problem that stopped the parser.
    static func parse(_ text: [UInt8]) -> Result<ConfigNode, ConfigProblem> {
        let start = SourcePosition(line: 1, column: 1)
        guard text.count <= SchemaLimits.fileBytesMax else {
            return .failure(
                ConfigProblem(at: start, path: "", "the file has \(text.count) bytes; allowed: at most \(SchemaLimits.fileBytesMax)"))
        }
        var composer = Composer()
        return text.withUnsafeBufferPointer { composer.run($0) }
    }
}

extension ConfigProblem: Error {}

/// Walks the events with a stack of its own, so that depth is a number and not a stack overflow.
private struct Composer {
    /// A list or map whose end has not come. A class, so that its arrays grow in place however the stack is handled.
    private final class Open {
        let isMap: Bool
        let position: SourcePosition
        var items: [ConfigNode] = []
        var entries: [ConfigEntry] = []
        var key: (String, SourcePosition)?
        init(isMap: Bool, position: SourcePosition) {
            self.isMap = isMap
            self.position = position
        }
    }
    private var stack: [Open] = []
    private var root: ConfigNode?
    private var nodes = 0
    private var failure: ConfigProblem?

    mutating func run(_ text: UnsafeBufferPointer<UInt8>) -> Result<ConfigNode, ConfigProblem> {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return .failure(problem(SourcePosition(line: 1, column: 1), "out of memory")) }
        defer { yaml_parser_delete(&parser) }
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(&parser, text.baseAddress, text.count)
        var documents = 0
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return .failure(syntax(parser, text)) }
            defer { yaml_event_delete(&event) }
            let at = position(event.start_mark)
            if event.type == YAML_STREAM_END_EVENT { break }
            if event.type == YAML_DOCUMENT_START_EVENT {
                documents += 1
                if documents > 1 { return .failure(problem(at, "a second document starts here; allowed: one document a file")) }
            }
            take(event, at)
            if let failure { return .failure(failure) }
        }
        return .success(root ?? ConfigNode(.scalar("", quoted: false), at: SourcePosition(line: 1, column: 1)))
    }

    private mutating func take(_ event: yaml_event_t, _ at: SourcePosition) {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            refuse(anchor: scalar.anchor, tag: scalar.tag, at)
            let style = scalar.style
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            add(ConfigNode(.scalar(text, quoted: style != YAML_PLAIN_SCALAR_STYLE), at: at))
        case YAML_ALIAS_EVENT:
            failure = problem(at, "found an alias; allowed: no aliases (write the value out)")
        case YAML_SEQUENCE_START_EVENT:
            refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, at)
            open(Open(isMap: false, position: at))
        case YAML_MAPPING_START_EVENT:
            refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, at)
            open(Open(isMap: true, position: at))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            let done = stack.removeLast()
            add(ConfigNode(done.isMap ? .map(done.entries) : .list(done.items), at: done.position))
        default: break
        }
    }

    private mutating func refuse(anchor: UnsafePointer<UInt8>?, tag: UnsafePointer<UInt8>?, _ at: SourcePosition) {
        if anchor != nil { failure = problem(at, "found an anchor; allowed: no anchors (write the value out)") }
        if tag != nil { failure = problem(at, "found a tag; allowed: no tags") }
    }

    private mutating func open(_ level: Open) {
        if let outer = stack.last, outer.isMap, outer.key == nil {
            failure = problem(level.position, "a list or map stands where a key is needed; allowed: a text")
        }
        if stack.count >= SchemaLimits.depthMax {
            failure = problem(level.position, "nested deeper than \(SchemaLimits.depthMax) levels; allowed: at most that")
        }
        stack.append(level)
    }

    private mutating func add(_ node: ConfigNode) {
        nodes += 1
        if nodes > SchemaLimits.nodesMax {
            failure = problem(node.position, "more than \(SchemaLimits.nodesMax) values; allowed: at most that")
        }
        guard let level = stack.last else { return root = node }
        if !level.isMap {
            level.items.append(node)
        } else if let key = level.key {
            level.entries.append(ConfigEntry(key: key.0, keyPosition: key.1, value: node))
            level.key = nil
        } else if let text = node.scalar, text != "<<", !text.isEmpty {
            level.key = (text, node.position)
        } else {
            failure = problem(node.position, "found \(node.found) as a key; allowed: a text (merge keys are not)")
        }
    }

    private func position(_ mark: yaml_mark_t) -> SourcePosition { SourcePosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
    private func problem(_ at: SourcePosition, _ message: String) -> ConfigProblem { ConfigProblem(at: at, path: "", message) }

    private func syntax(_ parser: yaml_parser_t, _ text: UnsafeBufferPointer<UInt8>) -> ConfigProblem {
        var message = parser.problem.map { String(cString: $0) } ?? "cannot be read"
        if let context = parser.context { message += " " + String(cString: context) }
        var at = position(parser.problem_mark)
        if parser.error == YAML_READER_ERROR {
            // The reader knows bytes only: find line and column of the byte it stopped at.
            let before = text[..<min(Int(parser.problem_offset), text.count)]
            let start = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
            at = SourcePosition(line: before.count { $0 == 10 } + 1, column: before[start...].count { $0 & 0xc0 != 0x80 } + 1)
        }
        return problem(at, "not YAML: \(message)")
    }
}
