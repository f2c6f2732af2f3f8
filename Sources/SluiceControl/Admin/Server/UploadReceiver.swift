// Takes an upload from the connection to a private file as it comes: raw bytes, or the part "file" of a form. Never more than one
// chunk is in memory. Whoever made it calls `finish` or `abandon`, so that nothing stays when the sender goes away.
import Foundation
import SluiceModel

struct UploadReceiver {
    struct Problem: Error { var response: AdminResponse }

    static let tooLarge = AdminResponse.problem(
        413, "too-large", "File too large", "more than \(Limits.pluginFileBytesMax) bytes; allowed: at most that")

    private let path: String
    private let file: Int32
    private var form: MultipartReader?
    private var bytes = 0
    private var name = "upload"
    private var hasFile = false
    /// The part that is being read; nil: the file.
    private var field: String?
    private var fields: [String: [UInt8]] = [:]

    init(folder: String, request: AdminRequest) throws(Problem) {
        if request.mediaType == "multipart/form-data" {
            guard let form = MultipartReader(contentType: request.contentType ?? "") else {
                throw Problem(
                    response: .problem(400, "multipart", "Malformed form", "no boundary in the content type; allowed: 1 to 70 characters"))
            }
            self.form = form
        } else {
            hasFile = true
        }
        path = "\(folder)/upload-\(getpid())-\(UInt64.random(in: 0 ... .max)).part"
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.full(FileProblem("create", path)) }
    }

    mutating func take(_ chunk: [UInt8]) throws(Problem) {
        guard form != nil else { return try write(chunk) }
        let events: [MultipartReader.Event]
        do throws(MultipartReader.Problem) { events = try form!.take(chunk) } catch { throw Self.malformed(error.text) }
        for event in events {
            switch event {
            case .part(let name, let file): try begin(name, file)
            case .content(let content):
                guard let field else {
                    try write(content)
                    continue
                }
                fields[field]! += content
                guard fields[field]!.count <= Limits.uploadFieldBytesMax else {
                    throw Self.malformed(
                        "the part \(quote(field)) has more than \(Limits.uploadFieldBytesMax) bytes; allowed: at most that")
                }
            case .end: field = nil
            }
        }
    }

    private mutating func begin(_ name: String, _ file: String?) throws(Problem) {
        guard name != "file" else {
            guard !hasFile else { throw Self.malformed("the part \"file\" comes twice; allowed: once") }
            (hasFile, field) = (true, nil)
            // For messages only: never a path of this machine.
            let last = (file ?? "").split(separator: "/").last.map(String.init) ?? ""
            if (1...255).contains(last.utf8.count), last.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) { self.name = last }
            return
        }
        guard fields[name] == nil else { throw Self.malformed("the part \(quote(name)) comes twice; allowed: once") }
        (field, fields[name]) = (name, [])
    }

    /// The upload, whole. The file is the caller's from now on.
    mutating func finish() throws(Problem) -> (UploadedFile, fields: [String: String], signature: [UInt8]?) {
        if let form, !form.isDone { throw Self.malformed("the form ended early") }
        guard hasFile else { throw Self.malformed("no part \"file\"; needed: the plugin") }
        guard close(file) == 0 else { throw Self.full(FileProblem("write", path)) }
        let signature = fields.removeValue(forKey: "signature")
        return (UploadedFile(path: path, name: name), fields.mapValues { String(decoding: $0, as: UTF8.self) }, signature)
    }

    func abandon() {
        close(file)
        unlink(path)
    }

    private mutating func write(_ content: [UInt8]) throws(Problem) {
        bytes += content.count
        guard bytes <= Limits.pluginFileBytesMax else { throw Problem(response: Self.tooLarge) }
        do { try FileIO.write(content, to: file, path: path) } catch { throw Self.full(error) }
    }

    private static func malformed(_ what: String) -> Problem { Problem(response: .problem(400, "multipart", "Malformed form", what)) }
    private static func full(_ error: any Error) -> Problem {
        Problem(response: .problem(507, "storage", "State directory cannot be written", "nothing changed: \(error)"))
    }
}
