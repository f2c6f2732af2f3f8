// What rules see of a request: the functions of `AttributeProvider` over an exchange. Texts are views into the request's head or its arena;
// the common attributes take no memory. They know any number: what is not there is absent. Names and types are in SluiceCEL's Attributes.
import CSluiceSys
import SluiceBytes
import SluiceCEL
import SluiceHTTP
import SluicePlugins
import SluiceRules

enum RequestAttributes {
    static func provider(_ room: UnsafeMutablePointer<ConditionRoom>) -> AttributeProvider {
        AttributeProvider(
            context: room,
            attribute: { RequestAttributes.put(RequestAttributes.value(RequestAttributes.at($0), $1), $2) },
            lookup: { raw, id, key, count, out in
                guard let v = RequestAttributes.find(RequestAttributes.at(raw), id, ByteView(key, count)) else { return false }
                RequestAttributes.put(v, out)
                return true
            },
            nextKey: { raw, id, cursor, out in
                guard let name = RequestAttributes.nextKey(RequestAttributes.at(raw), id, &cursor.pointee) else { return false }
                RequestAttributes.put(.string(name), out)
                return true
            },
            containsAddress: { raw, index, high, low in
                guard let x = RequestAttributes.at(raw).pointee.exchange else { return false }
                let image = x.pointee.snapshot.pointee.image
                guard Int(index) < image.ipSets.count else { return false }
                let bytes = image.bytes(image.ipSets[Int(index)].bytes)
                return AddressSetView(base: bytes.baseAddress.unsafelyUnwrapped, count: bytes.count).contains(high: high, low: low)
            },
            dictionary: { _, _, _, _, _, _ in false },  // no zone can be configured yet
            call: { raw, index, arguments, count, out in
                let values = arguments.assumingMemoryBound(to: Value.self)
                RequestAttributes.put(RequestAttributes.call(RequestAttributes.at(raw), index, values, count), out)
            })
    }

    private typealias Room = UnsafeMutablePointer<ConditionRoom>
    @inline(__always) private static func at(_ raw: UnsafeMutableRawPointer) -> Room { raw.assumingMemoryBound(to: ConditionRoom.self) }
    @inline(__always) private static func put(_ v: Value, _ out: UnsafeMutableRawPointer) { out.storeBytes(of: v, as: Value.self) }

    /// Function number `index` of the image.
    private static func call(_ room: Room, _ index: UInt32, _ arguments: UnsafePointer<Value>, _ count: Int) -> Value {
        guard let x = room.pointee.exchange, Int(index) < x.pointee.snapshot.pointee.image.functions.count,
            let function = x.pointee.snapshot.pointee.functions[Int(index)]
        else { return .error(.functionFailed) }
        return function._withUnsafeGuaranteedRef { $0.call(arguments, count: count, arena: address(&x.pointee.arena)) }
    }

    // MARK: single values

    private static func value(_ room: Room, _ id: UInt16) -> Value {
        guard let x = room.pointee.exchange else { return .error(.attributeAbsent) }
        let head = address(&x.pointee.requestHead)
        let context = address(&x.pointee.context)
        switch AttributeID(id) {
        case .requestPath: return .string(x.pointee.clientTarget)
        case .requestURLPath:
            let target = x.pointee.clientTarget, mark = target.firstIndex(of: 0x3f)
            return .string(mark < 0 ? target : target.prefix(mark))
        case .requestQuery:
            let target = x.pointee.clientTarget, mark = target.firstIndex(of: 0x3f)
            return .string(mark < 0 ? .empty : target.dropFirst(mark + 1))
        case .requestHost: return .string(host(x))
        case .requestMethod: return .string(context.pointee.methodToken)
        case .requestScheme: return .string(context.pointee.scheme)
        case .requestProtocol: return .string(head.pointee.minorVersion == 0 ? ByteView("HTTP/1.0") : ByteView("HTTP/1.1"))
        case .requestID: return .string(context.pointee.requestID)
        case .requestTime:
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            return .timestamp(seconds: Int64(now.tv_sec), nanoseconds: UInt32(now.tv_nsec))
        case .requestSize: return .int(Int64(context.pointee.body.declared))
        case .requestReferer: return .string(context.pointee.request.first(id: HeaderID.referer) ?? .empty)
        case .requestUserAgent: return .string(context.pointee.request.first(id: HeaderID.userAgent) ?? .empty)
        case .requestHeaders, .requestCookies, .requestArgs, .requestParams, .consumerLabels, .vars: return .attributeMap(AttributeID(id))
        case .sourceAddress: return Value.ip(text: context.pointee.clientAddress) ?? .error(.attributeAbsent)
        case .sourcePort: return .int(Int64(context.pointee.clientPort))
        case .destinationAddress: return destination(x).address
        case .destinationPort: return destination(x).port
        case .connectionTLSVersion, .connectionServerName, .connectionPeerSubject: return .string(.empty)
        case .connectionMTLS: return .bool(false)
        case .consumerName: return .string(context.pointee.consumer)
        default: return .error(.attributeAbsent)
        }
    }

    /// Without port, in lower case: names are compared so everywhere.
    private static func host(_ x: Ex) -> ByteView {
        let h = x.pointee.requestHead
        var v = x.pointee.clientHost ?? ByteView(x.pointee.headBuffer + Int(h.authorityOffset), Int(h.hostLength))
        let length = Syntax.authority(v)
        if length >= 0 { v = v.prefix(length) }
        for i in 0..<v.count where ASCII.lower(v[i]) != v[i] {
            guard let p = x.pointee.arena.allocate(v.count) else { return v }
            for j in 0..<v.count { p[j] = ASCII.lower(v[j]) }
            return ByteView(p, v.count)
        }
        return v
    }

    /// Where the client connected to. A system call: rules ask for it rarely.
    private static func destination(_ x: Ex) -> (address: Value, port: Value) {
        var a = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = x.pointee.client.pointee.descriptor
        let ok = withUnsafeMutablePointer(to: &a) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        let absent = Value.error(.attributeAbsent)
        if ok != 0 { return (absent, absent) }
        let family = Int32(a.ss_family)
        return withUnsafeBytes(of: &a) { raw in
            let port = Value.int(Int64(UInt16(bigEndian: raw.load(fromByteOffset: 2, as: UInt16.self))))
            switch family {
            case AF_INET:
                let n = UInt32(bigEndian: raw.load(fromByteOffset: 4, as: UInt32.self))
                return (.ip(high: 0, low: 0xffff_0000_0000 | UInt64(n), isIPv4: true), port)
            case AF_INET6:
                let high = UInt64(bigEndian: raw.load(fromByteOffset: 8, as: UInt64.self))
                let low = UInt64(bigEndian: raw.load(fromByteOffset: 16, as: UInt64.self))
                return (.ip(high: high, low: low, isIPv4: high == 0 && low >> 32 == 0xffff), port)
            default: return (absent, absent)
            }
        }
    }

    // MARK: maps

    private static func find(_ room: Room, _ id: UInt16, _ key: ByteView) -> Value? {
        guard let x = room.pointee.exchange else { return nil }
        let context = address(&x.pointee.context)
        let found: ByteView?
        switch AttributeID(id) {
        case .requestHeaders: found = header(x, key)
        case .requestCookies: found = cookie(x, key)
        case .requestArgs:
            guard let value = QueryText.find(key, in: query(x)) else { return nil }
            guard let plain = QueryText.decoded(value, arena: address(&x.pointee.arena)) else { return .error(.outOfMemory) }
            found = plain
        case .requestParams: found = x.pointee.action?.pointee.parameter(key, x.pointee.snapshot.pointee.image)
        case .consumerLabels:
            let image = x.pointee.snapshot.pointee.image
            guard let consumer = consumer(x) else { return nil }
            for label in image.labels(consumer) where image.text(label.name).equals(key) { return .string(image.text(label.value)) }
            return nil
        case .vars:
            for i in 0..<context.pointee.variablesSet {
                let (number, value) = context.pointee.variable(at: i)
                if let name = room.pointee.host?.variableName(number), name.equals(key) { return .string(value) }
            }
            return nil
        default: return nil
        }
        return found.map { .string($0) }
    }

    private static func nextKey(_ room: Room, _ id: UInt16, _ cursor: inout Int) -> ByteView? {
        guard let x = room.pointee.exchange else { return nil }
        let context = address(&x.pointee.context)
        let image = x.pointee.snapshot.pointee.image
        switch AttributeID(id) {
        case .requestHeaders:
            while true {
                let at = cursor
                guard let field = context.pointee.request.next(&cursor) else { return nil }
                var before = 0, isKnown = false
                while before < at, let other = context.pointee.request.next(&before), before <= at, !isKnown {
                    isKnown = other.name.equalsIgnoringCase(field.name)
                }
                if !isKnown { return lower(x, field.name) }
            }
        case .requestCookies:
            return nextCookie(x, &cursor)
        case .requestArgs:
            while let (name, value) = QueryText.next(query(x), &cursor) {
                guard let plain = QueryText.decoded(name, arena: address(&x.pointee.arena)) else { return nil }
                if QueryText.find(plain, in: query(x))?.start == value.start { return plain }  // the first of its name
            }
            return nil
        case .requestParams:
            guard let action = x.pointee.action, cursor < Int(action.pointee.match.parameterCount) else { return nil }
            cursor += 1
            return image.text(action.pointee.match.parameters[cursor - 1].name)
        case .consumerLabels:
            guard let consumer = consumer(x), cursor < image.labels(consumer).count else { return nil }
            cursor += 1
            return image.text(image.labels(consumer)[cursor - 1].name)
        case .vars:
            guard cursor < context.pointee.variablesSet else { return nil }
            cursor += 1
            return room.pointee.host?.variableName(context.pointee.variable(at: cursor - 1).number)
        default: return nil
        }
    }

    private static func query(_ x: Ex) -> ByteView {
        let target = x.pointee.clientTarget, mark = target.firstIndex(of: 0x3f)
        return mark < 0 ? .empty : target.dropFirst(mark + 1)
    }

    /// The field's value; several of one name joined (RFC 9110 section 5.3).
    private static func header(_ x: Ex, _ name: ByteView) -> ByteView? {
        guard let first = x.pointee.context.request.first(name) else { return nil }
        if x.pointee.context.request.count(name) == 1 { return first }
        var size = 0, cursor = 0
        while let f = x.pointee.context.request.next(&cursor) {
            if f.name.equalsIgnoringCase(name) { size += f.value.count + 1 }
        }
        guard let p = x.pointee.arena.allocate(size) else { return first }
        var n = 0
        cursor = 0
        while let f = x.pointee.context.request.next(&cursor) {
            if !f.name.equalsIgnoringCase(name) { continue }
            if n > 0 {
                p[n] = 0x2c
                n += 1
            }
            memcpy(p + n, f.value.start, f.value.count)
            n += f.value.count
        }
        return ByteView(p, n)
    }

    /// The first cookie of this name, in whichever field it stands.
    private static func cookie(_ x: Ex, _ name: ByteView) -> ByteView? {
        var cursor = 0
        while let f = x.pointee.context.request.next(&cursor) {
            if f.name.count == 6, f.name.equalsIgnoringCase(ByteView("cookie")), let v = CookieText.find(name, in: f.value) { return v }
        }
        return nil
    }

    /// The cursor is the field's number above 20 bits of the place in it; a head is shorter than that.
    private static func nextCookie(_ x: Ex, _ cursor: inout Int) -> ByteView? {
        while true {
            var field = cursor >> 20, place = cursor & 0xf_ffff
            guard let f = x.pointee.context.request.next(&field) else { return nil }
            cursor = field << 20
            guard f.name.equalsIgnoringCase(ByteView("cookie")), let (name, value) = CookieText.next(f.value, &place) else { continue }
            cursor = (field - 1) << 20 | place
            if cookie(x, name)?.start == value.start { return name }  // the first of its name
        }
    }

    private static func consumer(_ x: Ex) -> UnsafePointer<ConsumerRecord>? {
        let image = x.pointee.snapshot.pointee.image
        let i = x.pointee.context.consumer.isEmpty ? -1 : image.consumer(named: x.pointee.context.consumer)
        return i < 0 ? nil : image.consumers.baseAddress.unsafelyUnwrapped + Int(i)
    }

    private static func lower(_ x: Ex, _ v: ByteView) -> ByteView {
        guard let p = x.pointee.arena.allocate(v.count) else { return v }
        for i in 0..<v.count { p[i] = ASCII.lower(v[i]) }
        return ByteView(p, v.count)
    }
}
