// The tables of docs/configuration.md between its two markers, made from the schema.
import SluiceModel

enum SchemaReference {
    static let start = "<!-- reference: made by `sluice schema --reference`; do not edit by hand -->"
    static let end = "<!-- end of reference -->"

    /// Everything between the markers, both included.
    static var text: String {
        var sections: [(String, [SchemaKey])] = [("The file", Grammar.root)]
        gather(Grammar.root, path: "", into: &sections)
        return start + "\n" + sections.map(section).joined() + end
    }

    private static func gather(_ keys: [SchemaKey], path: String, into sections: inout [(String, [SchemaKey])]) {
        for key in keys {
            let here = path.isEmpty ? key.name : path + "." + key.name
            switch key.kind {
            case .map(let inner), .oneOf(let inner): add(inner, here, &sections)
            case .list(.map(let inner), _): add(inner, here + "[]", &sections)
            default: break
            }
        }
    }

    private static func add(_ keys: [SchemaKey], _ path: String, _ sections: inout [(String, [SchemaKey])]) {
        sections.append((path, keys))
        gather(keys, path: path, into: &sections)
    }

    private static func section(_ path: String, _ keys: [SchemaKey]) -> String {
        var out = "\n### " + (path == "The file" ? path : "`\(path)`") + "\n\n| key | value | default | meaning |\n|---|---|---|---|\n"
        for key in keys {
            let given = key.required ? "needed" : key.defaultText.map { "`\($0)`" } ?? ""
            out += "| `\(key.name)` | \(cell(SchemaCheck.allowed(key.kind))) | \(given) | \(key.doc.replacing("|", with: "\\|")) |\n"
        }
        return out
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("*", with: "\\*").replacing("`", with: "\\`")
    }
}
