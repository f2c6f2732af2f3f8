// Request-targets other than a path: absolute-form and `*` (RFC 9112 section 3.2). Rare, so none of it is inlined.
import CSluiceSys
import SluiceBytes

extension HeadParser {
    /// Judges a target that does not begin with "/" and sets the path, and for absolute-form the authority.
    @usableFromInline @inline(never)
    static func otherForm(_ base: UnsafePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>) -> HeadProblem {
        let target = ByteView(base + Int(head.pointee.targetOffset), Int(head.pointee.targetLength))
        if target[0] == 0x2a {
            if target.count != 1 || head.pointee.method != Method.options.rawValue { return .targetForm }
            head.pointee.pathOffset = head.pointee.targetOffset
            head.pointee.pathLength = 1
            return .none
        }
        let scheme = schemeLength(target)
        if scheme == 0 { return .targetForm }
        var end = scheme
        while end < target.count && target[end] != 0x2f && target[end] != 0x3f { end &+= 1 }
        let authority = ByteView(target.start + scheme, end &- scheme)
        if authority.firstIndex(of: 0x40) >= 0 { return .userinfo }
        let host = Syntax.authority(authority)
        if host <= 0 { return .host }  // an http URI without a host is invalid (RFC 9110 section 4.2.1)
        head.pointee.flags |= MessageHead.absoluteTarget
        head.pointee.authorityOffset = head.pointee.targetOffset &+ UInt16(truncatingIfNeeded: scheme)
        head.pointee.authorityLength = UInt16(truncatingIfNeeded: authority.count)
        head.pointee.hostLength = UInt16(truncatingIfNeeded: host)
        head.pointee.pathOffset = head.pointee.targetOffset &+ UInt16(truncatingIfNeeded: end)
        head.pointee.pathLength = UInt16(truncatingIfNeeded: target.count &- end)
        if end == target.count {  // no path: "/", for which the last slash of "://" stands
            head.pointee.pathOffset = head.pointee.authorityOffset &- 1
            head.pointee.pathLength = 1
        } else if target[end] == 0x3f {
            head.pointee.flags |= MessageHead.slashAdded
        }
        return .none
    }

    /// Length of "http://" or "https://" at the start, any case; 0 for anything else.
    static func schemeLength(_ target: ByteView) -> Int {
        if target.count > 7 && target.prefix(7).equalsIgnoringCase(ByteView("http://")) { return 7 }
        return target.count > 8 && target.prefix(8).equalsIgnoringCase(ByteView("https://")) ? 8 : 0
    }

    /// `http://host?query` means `http://host/?query` (RFC 9110 section 4.2.3). The path must be one run of bytes, so the
    /// query moves up by one, over the space before the version, which nobody reads any more.
    @usableFromInline @inline(never)
    static func addSlash(_ buffer: UnsafeMutablePointer<UInt8>, _ head: UnsafeMutablePointer<MessageHead>) {
        let path = buffer + Int(head.pointee.pathOffset)
        memmove(path + 1, path, Int(head.pointee.pathLength))
        path.pointee = 0x2f
        head.pointee.pathLength &+= 1
        head.pointee.targetLength &+= 1
        head.pointee.queryOffset &+= 1
    }
}
