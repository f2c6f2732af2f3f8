// `sluice completion`: the script that makes a shell finish the words of this command; ids and revisions come from the running gateway.
import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the completion script of a shell.",
        discussion: """
            `make install` puts the scripts where shells look for them. By hand:

              source <(sluice completion bash)
              sluice completion zsh >"${fpath[1]}/_sluice"
              sluice completion fish >~/.config/fish/completions/sluice.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }
    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() {
        switch shell {
        case .bash: print(SluiceCommand.completionScript(for: .bash))
        case .zsh: print(SluiceCommand.completionScript(for: .zsh))
        case .fish: print(SluiceCommand.completionScript(for: .fish))
        }
    }
}
