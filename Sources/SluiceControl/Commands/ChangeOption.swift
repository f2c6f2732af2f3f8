// What every command that changes policies has in common: dry run, comment, going back unless confirmed; and how the report of a change is
// told to people.
import ArgumentParser
import Foundation
import SluiceModel

struct ChangeOption: ParsableArguments {
    @Flag(help: "Check and compile everything, say what would change, change nothing.") var dryRun = false
    @Option(help: ArgumentHelp("Goes back by itself unless `sluice confirm` comes within this time, such as 60s.", valueName: "duration"))
    var confirmWithin: String?
    @Option(help: ArgumentHelp("For the history.", valueName: "text")) var comment: String?
    @Flag(help: "Print the answer of the admin API as JSON.") var json = false

    func validate() throws {
        if let confirmWithin, Quantity.duration(confirmWithin) == nil {
            throw ValidationError("found \(quote(confirmWithin)); allowed: a duration such as 60s")
        }
    }

    var query: AdminSession.Query { [("dry_run", dryRun ? "1" : nil), ("confirm_within", confirmWithin), ("comment", comment)] }

    func show(_ report: JSONValue) {
        if json { return print(report.pretty, terminator: "") }
        for warning in report["warnings"]?.array ?? [] { Console.complain("warning: " + ChangeText.warning(warning)) }
        print(ChangeText.text(report, colour: Terminal.hasColour), terminator: "")
    }
}

/// The report of a change in words.
enum ChangeText {
    static func text(_ report: JSONValue, colour: Bool) -> String {
        let isDryRun = report["dry_run"]?.bool ?? false
        var out = isDryRun ? differences(report, colour: colour) : ""
        let changes = report["changes"]?.array ?? []
        if !isDryRun { for change in changes { out += line(change, colour) + "\n" } }
        let counts = ["created", "updated", "deleted"].compactMap { word in
            report[word]?.int.flatMap { $0 == 0 ? nil : "\($0) \(word)" }
        }
        let summary = counts.isEmpty ? "nothing changes" : counts.joined(separator: ", ")
        let revision = report["revision"]?.int ?? 0
        out +=
            isDryRun
            ? "dry run: \(summary); revision \(revision) stays\n"
            : "revision \(revision): \(counts.isEmpty ? "nothing changed" : summary)\n"
        for worker in report["workers"]?.array ?? [] where worker["state"]?.string != "committed" {
            out += "worker \(worker["worker"]?.int ?? 0): \(worker["detail"]?.string ?? worker["state"]?.string ?? "")\n"
        }
        if let at = report["confirm_by"]?.int {
            out += "goes back at \(TimeText.text(milliseconds: at)) unless: sluice confirm \(revision)\n"
        }
        return out
    }

    static func warning(_ value: JSONValue) -> String {
        if let text = value.string { return text }
        let path = value["path"]?.string.map { $0 + ": " } ?? "", advice = value["advice"]?.string.map { "; " + $0 } ?? ""
        return path + (value["message"]?.string ?? value.text()) + advice
    }

    private static func name(_ change: JSONValue) -> String { "\(change["kind"]?.string ?? "")/\(change["id"]?.string ?? "")" }

    private static func line(_ change: JSONValue, _ colour: Bool) -> String {
        switch change["change"]?.string {
        case "created": Terminal.paint("+ " + name(change), .green, if: colour)
        case "deleted": Terminal.paint("- " + name(change), .red, if: colour)
        default: Terminal.paint("~ " + name(change), .yellow, if: colour)
        }
    }

    /// Each object before and after, as a patch of YAML.
    static func differences(_ report: JSONValue, colour: Bool) -> String {
        (report["changes"]?.array ?? []).compactMap { change in
            func text(_ key: String) -> String { change[key].flatMap { $0 == .null ? nil : YAMLText.text($0) } ?? "" }
            let names = (text("before").isEmpty ? "/dev/null" : name(change), text("after").isEmpty ? "/dev/null" : name(change))
            return LineDiff.unified(text("before"), text("after"), names: names, colour: colour)
        }.joined()
    }
}

enum TimeText {
    /// "2025-03-01 12:00:00" in UTC, so that two people mean the same.
    static func text(milliseconds: Int) -> String {
        var seconds = time_t(milliseconds / 1000), parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(milliseconds)" }
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
