// Decoding of what routes may do besides proxying, and of the objects that rules refer to. Like all decoding it trusts that the schema
// check has spoken: what has a wrong form becomes a default here and a problem there.
import SluiceModel

extension ConfigurationDecoder {
    static func split(_ node: ConfigNode) -> Split {
        var out = Split(
            branches: (node["clusters"]?.items ?? []).map {
                Split.Branch(cluster: text($0["cluster"]) ?? "", weight: int($0["weight"]) ?? 1)
            })
        if let cookie = node["sticky"]?["cookie"] {
            out.sticky = .cookie(name: text(cookie["name"]) ?? "", seconds: (duration(cookie["max_age"]) ?? 0) / 1000)
        } else if let header = text(node["sticky"]?["header"]) {
            out.sticky = .header(name: header)
        } else if flag(node["sticky"]?["address"]) == true {
            out.sticky = .address
        }
        return out
    }

    static func rewrite(_ node: ConfigNode) -> Rewrite {
        var out = Rewrite()
        out.path = text(node["path"])
        out.pattern = text(node["pattern"])
        out.replacement = node["replacement"]?.scalar
        out.host = text(node["host"])
        out.query = node["query"]?.scalar
        return out
    }

    static func maintenance(_ node: ConfigNode) -> Maintenance {
        var out = Maintenance()
        set(&out.status, int(node["status"]))
        set(&out.retryAfterSeconds, duration(node["retry_after"]).map { $0 / 1000 })
        set(&out.body, node["body"]?.scalar)
        out.unless = text(node["unless"])
        return out
    }

    static func ipSet(_ node: ConfigNode) -> IPSet {
        var out = IPSet(id: text(node["id"]) ?? "")
        out.addresses = (node["addresses"]?.items ?? []).compactMap(text)
        return out
    }

    static func consumer(_ node: ConfigNode) -> Consumer {
        var out = Consumer(id: text(node["id"]) ?? "")
        out.labels = (node["labels"]?.entries ?? []).map { HeaderLine(name: $0.key, value: $0.value.scalar ?? "") }
        out.credentials = (node["credentials"]?.items ?? []).map { node in
            var credential = Credential(id: text(node["id"]) ?? "", kind: text(node["type"]).flatMap(Credential.Kind.init) ?? .key)
            credential.name = text(node["name"]) ?? ""
            credential.secret = text(node["secret"]) ?? ""
            return credential
        }
        out.plugins = (node["plugins"]?.items ?? []).map(binding)
        return out
    }

    static func certificate(_ node: ConfigNode) -> Certificate {
        var out = Certificate(id: text(node["id"]) ?? "")
        out.chain = text(node["chain"]) ?? ""
        out.key = text(node["key"]) ?? ""
        return out
    }
}
