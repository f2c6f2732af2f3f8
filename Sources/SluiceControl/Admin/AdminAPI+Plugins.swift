// Plugins through the admin API: loading from a path or an upload, canaries, going back, quarantine, unloading. What a plugin looks
// like in an answer is `PluginView.swift`; what a call may say is `PluginRequest.swift`.
import Foundation
import SluiceModel
import SluiceShared

extension AdminAPI {
    /// Why the configuration does not allow this; nil = it does.
    private func forbidden(_ what: String, upload: Bool = false) async -> AdminResponse? {
        let allowed = await control.configuration.pluginsAPI
        if upload ? allowed == .upload : allowed.loadsFiles { return nil }
        return .problem(
            403, "forbidden", "Not allowed",
            "plugins_api is \(allowed.rawValue) in the configuration; allowed to \(what): set it to \(upload ? "upload" : "local or upload")"
        )
    }

    // Loading

    func load(_ request: AdminRequest) async -> AdminResponse {
        if let refusal = await forbidden("load code") { return refusal }
        return await loaded(request, .load)
    }

    func upload(_ request: AdminRequest) async -> AdminResponse {
        if let refusal = await forbidden("upload code", upload: true) { return refusal }
        guard request.upload != nil else {
            return .problem(
                415, "media-type", "Unsupported media type",
                "found content type \(quote(request.contentType ?? "")); allowed: application/octet-stream, multipart/form-data "
                    + "(a file of this machine: POST /v1/plugins/load)")
        }
        return await loaded(request, .upload)
    }

    private func loaded(_ request: AdminRequest, _ call: PluginRequest.Call) async -> AdminResponse {
        defer { if let upload = request.upload { unlink(upload.path) } }
        let wish: LoadWish
        switch PluginRequest.read(request, call) {
        case .failure(let refusal): return refusal.response
        case .success(let read): wish = read.0
        }
        do throws(ChangeRefusal) {
            if wish.dryRun {
                let staged = try await control.inspect(wish)
                return .json(.object([("dry_run", .bool(true)), ("verdict", .string("loadable"))] + staged.members))
            }
            return changed(try await control.load(wish))
        } catch {
            return refused(error)
        }
    }

    /// The plugin that serves now, and which workers run the change.
    private func changed(_ report: ChangeReport, _ more: [(String, JSONValue)] = []) -> AdminResponse {
        let plugin = report.plugin.map { $0.short } ?? []
        return .json(.object(plugin + more + answers(report.outcome)))
    }

    // Two generations at once, and back

    func canary(_ name: String, _ request: AdminRequest) async -> AdminResponse {
        defer { if let upload = request.upload { unlink(upload.path) } }
        if let refusal = await forbidden("load code", upload: request.upload != nil) { return refusal }
        let wish: LoadWish
        switch PluginRequest.read(request, request.upload == nil ? .canary : .canaryUpload) {
        case .failure(let refusal): return refusal.response
        case .success(let read): wish = read.0
        }
        do throws(ChangeRefusal) {
            let report = try await control.startCanary(name, wish)
            let canary = await control.state.canaries[name]
            return changed(report, [("share", .decimal(canary?.sharePercent ?? 0))])
        } catch {
            return refused(error)
        }
    }

    func promote(_ name: String) async -> AdminResponse {
        if let refusal = await forbidden("change what runs") { return refusal }
        do throws(ChangeRefusal) { return changed(try await control.promote(name)) } catch { return refused(error) }
    }

    func rollBack(_ name: String, _ request: AdminRequest) async -> AdminResponse {
        if let refusal = await forbidden("change what runs") { return refusal }
        switch PluginRequest.read(request, .rollback) {
        case .failure(let refusal): return refusal.response
        case .success(let (wish, reason)):
            do throws(ChangeRefusal) {
                return changed(try await control.rollBack(name, to: wish, reason: reason ?? "asked for"))
            } catch {
                return refused(error)
            }
        }
    }

    func lift(_ name: String) async -> AdminResponse {
        if let refusal = await forbidden("change what runs") { return refusal }
        do throws(ChangeRefusal) { return changed(try await control.liftQuarantine(name)) } catch { return refused(error) }
    }

    // Unloading

    func unload(_ name: String, _ request: AdminRequest) async -> AdminResponse {
        if let refusal = await forbidden("unload code") { return refusal }
        var deadline: Double?
        if let text = request.query["deadline"] {
            guard let seconds = Double(text), (0...Double(Limits.pluginUnloadDeadlineSecondsMax)).contains(seconds) else {
                return .problem(
                    400, "query", "Wrong query",
                    "?deadline: found \(quote(text)); allowed: 0 to \(Limits.pluginUnloadDeadlineSecondsMax) (seconds)")
            }
            deadline = seconds
        }
        do throws(ChangeRefusal) {
            let report = try await control.unload(name)
            // The last request that uses it may still run; a moment is usually enough for idle workers.
            try? await Task.sleep(for: .milliseconds(20))
            let left = await held(name)
            let draining = left.filter(\.isDraining)
            if let deadline, !draining.isEmpty { cancel(name, after: deadline) }
            let members = [("name", JSONValue.string(name)), ("state", .string(draining.isEmpty ? "unloaded" : "draining"))]
            let more = [("generations", JSONValue.array(left.map(\.json)))]
            return .json(.object(members + answers(report.outcome) + more), status: draining.isEmpty ? 200 : 202)
        } catch {
            switch error.title {
            case "no such plugin": return .problem(404, "not-found", "Not found", "no plugin \(quote(name)) is loaded")
            case "plugin in use":
                return .problem(
                    409, "in-use", "Plugin in use",
                    "routes bind \(quote(name)): \(error.errors.joined(separator: ", ")); take it from them first", errors: error.errors)
            default: return refused(error)
            }
        }
    }

    /// What is still draining then is told to end. A plugin of this name that was loaded meanwhile is not touched.
    private func cancel(_ name: String, after seconds: Double) {
        Task.detached {
            try? await Task.sleep(for: .milliseconds(Int(seconds * 1000)))
            await control.cancel(name, Set(held(name).filter(\.isDraining).map(\.entry.generation)))
        }
    }
}

extension AdminAPI {
    /// Where the bytes of this request may go. Whoever may not load code does not fill the disk either.
    func uploadPlace(_ request: AdminRequest) async -> UploadPlace {
        if case .failure(let refusal) = route(request) { return .refused(refusal.response) }
        return await control.uploadPlace(request)
    }
}
