// The library that carries the store.
import SluiceStore
import Testing

@Test func sqliteIsNewEnoughForStrictTables() {
    #expect(StoreFormat.libraryVersion.split(separator: ".").compactMap { Int($0) }.lexicographicallyPrecedes([3, 37]) == false)
}
