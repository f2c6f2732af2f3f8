// Lines in the error log about upstreams and plugins: who failed, while doing what, for whom. Header values and bodies stay out.
import CSluiceSys
import SluiceBytes
import SluiceObserve
import SluicePlugins
import SluiceRules

extension Pipeline {
    /// Rare, so it may build strings; the log bounds how many lines a second it writes.
    @inline(never) mutating func upstreamFault(_ x: Ex, _ what: StaticString, _ error: Int32) {
        let stage: String
        switch x.pointee.stage {
        case .connecting, .routing: stage = "connecting"
        case .sending: stage = "sending the request"
        case .waiting: stage = "reading the response head"
        case .responding, .done: stage = "relaying the response"
        }
        let c = x.pointee.context
        let code = error == 0 ? "" : " (\(error))"
        let whom = "client \(c.clientAddress.string), route \(c.routeID.string), target \(c.targetLabel.string), try \(x.pointee.attempts)"
        ErrorLog.write(.warn, "upstream \(what)\(code) while \(stage); \(whom)")
    }

    /// A hook failed and its plugin fails closed.
    @inline(never) func pluginFault(_ x: Ex, _ binding: Int, _ phase: PluginPhase, _ code: Int32) {
        let image = x.pointee.snapshot.pointee.image
        let plugin = image.plugins[Int(image.bindings[binding].plugin)]
        let c = x.pointee.context
        let whom = "client \(c.clientAddress.string), route \(c.routeID.string)"
        ErrorLog.write(.error, "plugin \(image.text(plugin.name).string)@\(plugin.generation) failed (\(code)) in \(phase.name); \(whom)")
    }
}
