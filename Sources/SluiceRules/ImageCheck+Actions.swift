// Checks the extras of routes: every run they name lies in its section, every cluster, program and text is there. Numbers that choose
// a case may be any: workers take what they do not know for nothing.
import SluiceBytes
import SluiceModel

extension ImageCheck {
    func checkExtras() throws(ImageError) {
        let all = view.extras
        for i in 0..<all.count {
            let e = all.baseAddress! + i
            try run(e.pointee.branches, header.branches, MemoryLayout<SplitBranch>.stride, i)
            for t in [e.pointee.path, e.pointee.replacement, e.pointee.host, e.pointee.query, e.pointee.location] {
                try run(t, header.templates, MemoryLayout<TemplatePart>.stride, i)
                for part in view.template(t) { try text(part.text, "extras", i) }
            }
            var weight: UInt64 = 0
            for b in view.branches(e) {
                try need(b.cluster < header.clusters.count, "extras", i, "cluster \(b.cluster)", "below \(header.clusters.count)")
                weight += UInt64(b.weight)
            }
            try need(
                e.pointee.branches.count == 0
                    || (weight > 0 && weight <= UInt64(UInt32.max) && e.pointee.branches.count <= Limits.splitBranchesMax),
                "extras", i, "\(e.pointee.branches.count) branches of weight \(weight)",
                "at most \(Limits.splitBranchesMax), one of a weight")
            for t in [
                e.pointee.pattern, e.pointee.stickyName, e.pointee.cookieAttributes, e.pointee.maintenanceBody, e.pointee.maintenanceLines,
            ] where t.offset != 0 || t.count != 0 { try text(t, "extras", i) }
            try condition(e.pointee.unless, "extras", i)
            if e.pointee.flags & RouteExtras.maintains != 0 {
                try need(
                    Limits.maintenanceStatusRange.contains(Int(e.pointee.maintenanceStatus)), "extras", i,
                    "status \(e.pointee.maintenanceStatus)", "\(Limits.maintenanceStatusRange)")
            }
        }
    }

    /// The action of a route, and its extras.
    @inline(__always) func checkAction(_ r: UnsafePointer<RouteRecord>, _ i: Int) throws(ImageError) {
        let hasExtras = r.pointee.flags & RouteRecord.hasExtras != 0
        try need(
            hasExtras ? r.pointee.extras < header.extras.count : r.pointee.extras == .max, "routes", i, "extras \(r.pointee.extras)",
            "below \(header.extras.count), or none")
        switch ActionKind(rawValue: r.pointee.action) {
        case .proxy:
            try need(
                r.pointee.cluster < header.clusters.count, "routes", i, "cluster \(r.pointee.cluster)", "below \(header.clusters.count)")
        case .respond, .redirect:
            try need(Limits.respondStatusRange.contains(Int(r.pointee.status)), "routes", i, "status \(r.pointee.status)", "200...599")
        case .split:
            try need(
                hasExtras && view.extras[Int(r.pointee.extras)].branches.count > 0, "routes", i, "a split without branches", "some branches"
            )
        case .plugin: break
        case nil: try need(false, "routes", i, "action \(r.pointee.action)", "0...4")
        }
    }

    private func run(_ r: ImageRange, _ section: ImageRange, _ stride: Int, _ i: Int) throws(ImageError) {
        if r.count == 0 { return }
        let start = Int(r.offset) - Int(section.offset)
        try need(
            start >= 0 && start % stride == 0 && start / stride + Int(r.count) <= Int(section.count), "extras", i,
            "\(r.count) records at \(r.offset)", "a run within its section")
    }
}
