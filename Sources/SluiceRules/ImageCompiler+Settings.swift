// Settings, listeners and trusted networks: configuration values to records, each number held to its range.
import SluiceModel

extension ImageCompiler {
    mutating func compileSettings() throws(ImageError) {
        networks = []
        let c = configuration
        let timeouts = c.timeouts
        let limits = c.limits
        let ms = Limits.timeoutMsRange
        var s = SettingsRecord()
        if let n = c.workers { s.workers = try number(n, Limits.workersRange, at: "workers") }
        s.connectionsMax = try number(limits.connectionsMax, Limits.connectionsRange, at: "limits.connections")
        s.headBytesMax = try number(limits.headBytesMax, Limits.headBytesRange, at: "limits.head_bytes")
        s.targetBytesMax = try number(limits.targetBytesMax, Limits.targetBytesMin...limits.headBytesMax, at: "limits.target_bytes")
        s.headerFieldsMax = try number(limits.headerFieldsMax, Limits.headerFieldsRange, at: "limits.header_fields")
        s.bodyRateMin = try number(limits.bodyRateMin, Limits.bodyRateRange, at: "limits.body_rate_min")
        s.bodyBytesMax = limits.bodyBytesMax ?? .max
        s.pluginBodyMax = limits.pluginBodyBytesMax
        s.requestsPerConnectionMax = limits.requestsPerConnectionMax
        s.pluginHoldWarnMs = try number(limits.pluginHoldWarnMs, Limits.pluginHoldRange, at: "limits.plugin_hold_warn")
        s.pluginHoldMaxMs = try number(limits.pluginHoldMaxMs, Limits.pluginHoldRange, at: "limits.plugin_hold_max")
        s.headTimeoutMs = try number(timeouts.headMs, ms, at: "timeouts.head")
        s.idleTimeoutMs = try number(timeouts.idleMs, ms, at: "timeouts.idle")
        s.bodyIdleTimeoutMs = try number(timeouts.bodyIdleMs, ms, at: "timeouts.body_idle")
        s.responseTimeoutMs = try number(timeouts.responseMs, ms, at: "timeouts.response")
        s.tunnelIdleTimeoutMs = try number(timeouts.tunnelIdleMs, ms, at: "timeouts.tunnel_idle")
        s.drainTimeoutMs = try number(timeouts.drainMs, Limits.drainTimeoutMsRange, at: "timeouts.drain")
        switch c.log.accessFormat {
        case .off: s.accessLog = AccessLogFormat.off.rawValue
        case .combined: s.accessLog = AccessLogFormat.combined.rawValue
        case .json: s.accessLog = AccessLogFormat.json.rawValue
        }
        s.errorLevel = UInt8(c.log.level.rawValue)
        s.viaMode = c.forwarded.via ? 1 : 0
        s.forwardedMode = (c.forwarded.xForwarded ? 1 : 0) | (c.forwarded.standard ? 2 : 0)
        s.coreBytesMax = c.coreBytesMax
        s.accessLogPath = try text(c.log.accessPath, at: "log.access.path")
        s.errorLogPath = try text(c.log.errorPath, at: "log.error")
        s.pidPath = try text(c.pidFile, at: "pid_file")
        s.user = try text(c.user, at: "user")
        s.group = try text(c.group, at: "group")
        s.stateDirectory = try text(c.stateDirectory, at: "state_directory")
        s.configPath = try text(input.configPath, at: "configuration path")
        settings = s
        try compileTrusted()
    }

    /// Text that will be used as a C string; nil becomes the empty text.
    private mutating func text(_ value: String?, at path: String) throws(ImageError) -> ImageText {
        let value = value ?? ""
        if value.utf8.contains(0) { throw ImageError(path: path, found: "a NUL byte", allowed: "text without NUL bytes") }
        if value.utf8.count > 4096 { throw ImageError(path: path, found: "\(value.utf8.count) bytes", allowed: "at most 4096 bytes") }
        return tail.add(value)
    }

    private mutating func compileTrusted() throws(ImageError) {
        let trusted = configuration.forwarded.trusted
        if trusted.count > Limits.trustedNetworksMax {
            throw ImageError(path: "forwarded.trusted", found: "\(trusted.count) networks", allowed: "at most \(Limits.trustedNetworksMax)")
        }
        for (i, value) in trusted.enumerated() {
            guard let network = IPNetwork(value) else {
                throw ImageError(
                    path: "forwarded.trusted[\(i)]", found: "\"\(value)\" is not a network",
                    allowed: "an address with prefix length, 10.0.0.0/8 or 2001:db8::/32, or a bare address")
            }
            var record = NetworkRecord()
            for (j, byte) in network.address.bytes.enumerated() { record.bytes[j] = byte }
            record.prefixBits = UInt32(network.mappedPrefixBits)
            networks.append(record)
        }
    }

    mutating func compileListeners() throws(ImageError) {
        let all = configuration.listeners
        listeners = []
        if all.isEmpty || all.count > Limits.listenersMax {
            throw ImageError(path: "listeners", found: "\(all.count) listeners", allowed: "1...\(Limits.listenersMax)")
        }
        var seen: Set<String> = []
        for (i, listener) in all.enumerated() {
            let path = "listeners[\(i)].address"
            guard let record = AddressRecord(try address(listener.address, at: path)) else {
                throw ImageError(
                    path: path, found: "the name \"\(listener.address)\"", allowed: "IPV4:PORT, [IPV6]:PORT, *:PORT or unix:PATH")
            }
            if !seen.insert(listener.address).inserted {
                throw ImageError(path: path, found: "\"\(listener.address)\" a second time", allowed: "each address once")
            }
            var r = ListenerRecord()
            r.address = record
            r.label = tail.add(listener.address)
            r.backlog = try number(listener.backlog, Limits.backlogRange, at: "listeners[\(i)].backlog")
            listeners.append(r)
        }
    }

    func address(_ text: String, at path: String) throws(ImageError) -> Address {
        do { return try Address(text) } catch {
            throw ImageError(path: path, found: "\"\(error.found)\" is not an address: \(error.reason)", allowed: Address.forms)
        }
    }
}
