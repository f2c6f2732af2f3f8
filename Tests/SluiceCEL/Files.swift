// Reading a file and the environment for tests, without Foundation.
import Glibc

func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var out: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let n = fread(&buffer, 1, buffer.count, file)
        if n == 0 { return out }
        out += buffer[..<n]
    }
}
