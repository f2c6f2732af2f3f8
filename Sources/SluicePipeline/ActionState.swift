// What a request keeps of its route when the route does more than proxying: the segments of its path, what it was before a rewrite, the cookie
// that is due. In the request's arena; requests of other routes have none.
import SluiceBytes
import SluiceHTTP
import SluiceRouter
import SluiceRules

struct ActionState {
    /// nil: kept for the segments only.
    var extras: UnsafePointer<RouteExtras>?
    var match: MatchResult
    /// What the segments are places in.
    var path: ByteView
    /// Path with query, and host, as they were before the rewrite.
    var target: ByteView?
    var host: ByteView?
    /// Location line of a redirect.
    var lines = ByteView.empty
    /// Key of the branch that the client has to be told; 0 = none.
    var cookie: UInt64 = 0

    /// The segment that the route's path calls so.
    func parameter(_ name: ByteView, _ image: ImageView) -> ByteView? {
        for i in 0..<Int(match.parameterCount) where image.text(match.parameters[i].name).equals(name) {
            return path.dropFirst(Int(match.parameters[i].offset)).prefix(Int(match.parameters[i].count))
        }
        return nil
    }
}

extension Exchange {
    /// Path with query in normal form, as a plugin may have changed it, but before the route's rewrite.
    var clientTarget: ByteView {
        if let before = action?.pointee.target { return before }
        if let path = context.path { return path }
        return ByteView(headBuffer + Int(requestHead.pathOffset), Int(requestHead.pathLength))
    }
    /// What a plugin set as host; nil = as received.
    var clientHost: ByteView? {
        if let action, action.pointee.target != nil { return action.pointee.host }
        return context.host
    }
}
