// Lists of objects: which of them, in which order, from where on. Pure functions over what the control process holds; a cursor names the
// last object of a page, so that pages stay right while objects come and go.
import Foundation
import SluiceModel

struct ObjectQuery: Sendable {
    static let limitMax = 1000
    static let limitDefault = 100
    static let sorts = ["id", "-id", "created_at", "-created_at", "updated_at", "-updated_at"]
    static let parameters: [AdminParameter] = [
        .query("q", .text(max: 64), "Only those whose id contains this."),
        .query("sort", .choice(sorts), "Order; - for descending. Default: id."),
        .query("limit", .whole(1...limitMax), "So many at most. Default: \(limitDefault)."),
        .query("after", .text(max: 200), "Goes on where the page ended whose `next` this is."),
    ]

    struct Page: Sendable {
        var items: [PolicyObject]
        /// Of all pages.
        var total: Int
        var next: String?
    }

    private let filters: [(ObjectResource.Filter, String)]
    private let part: String
    private let sort: String
    private let isDescending: Bool
    private let limit: Int
    /// Sort key and id of the last object of the page before.
    private let after: (UInt64, String)?

    /// Nil when the cursor is not one of ours. Everything else was checked by the declarations.
    init?(_ query: [String: String], _ resource: ObjectResource) {
        filters = resource.filters.compactMap { filter in query[filter.name].map { (filter, $0) } }
        part = query["q"] ?? ""
        let order = query["sort"] ?? "id"
        isDescending = order.hasPrefix("-")
        sort = isDescending ? String(order.dropFirst()) : order
        limit = query["limit"].flatMap { Int($0) } ?? Self.limitDefault
        guard let cursor = query["after"] else { after = nil; return }
        guard let text = SecretText.fromBase64url(cursor).flatMap({ String(validating: $0, as: UTF8.self) }),
            let colon = text.firstIndex(of: ":"),
            let key = UInt64(text[..<colon])
        else { return nil }
        after = (key, String(text[text.index(after: colon)...]))
    }

    func page(_ all: [PolicyObject]) -> Page {
        let wanted = all.filter { object in
            (part.isEmpty || object.id.contains(part)) && filters.allSatisfy { $0.0.values(object.value).contains($0.1) }
        }
        let sorted = wanted.map { (key($0), $0) }.sorted { precedes(($0.0, $0.1.id), ($1.0, $1.1.id)) }
        let start = after.map { after in sorted.partitioningIndex { precedes(after, ($0.0, $0.1.id)) } } ?? 0
        let page = sorted[start...].prefix(limit)
        let last = page.last.flatMap { start + page.count < sorted.count ? "\($0.0):\($0.1.id)" : nil }
        return Page(items: page.map(\.1), total: wanted.count, next: last.map { SecretText.base64url(Array($0.utf8)) })
    }

    private func key(_ object: PolicyObject) -> UInt64 {
        switch sort {
        case "created_at": object.createdAt
        case "updated_at": object.updatedAt
        default: 0
        }
    }

    private func precedes(_ a: (UInt64, String), _ b: (UInt64, String)) -> Bool { isDescending ? b < a : a < b }
}

extension Array {
    /// First index for which `belongs` holds, when it holds for all behind it.
    fileprivate func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
