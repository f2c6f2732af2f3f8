// The library that carries the store.
import SluiceStore
import Testing

@Test func sqliteIsNewEnoughForStrictTables() throws {
    let version = try StoreFormat.libraryVersion().split(separator: ".").compactMap { Int($0) }
    #expect(!version.lexicographicallyPrecedes([3, 37]))
}
