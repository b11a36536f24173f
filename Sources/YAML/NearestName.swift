/// The name that is most like `word`, or `nil` when none is much like it: at most one letter in
/// three may differ, be missing, be too much, or have changed places with its neighbour.
public func nearestName(to word: String, among names: [String]) -> String? {
    let letters = Array(word.lowercased().unicodeScalars.prefix(64)).map(folded)
    var best: (name: String, distance: Int)?
    for name in names {
        let other = name.lowercased().unicodeScalars.map(folded)
        let found = distance(letters, other)
        if found <= max(1, max(letters.count, other.count) / 3),
            found < best?.distance ?? .max
        {
            best = (name, found)
        }
    }
    return best?.name
}

/// `vm-id` and `vm_id` are the same to people.
private func folded(_ letter: Unicode.Scalar) -> Unicode.Scalar {
    letter == "-" ? "_" : letter
}

/// Source: optimal string alignment distance.
private func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var least = min(
                previous[column + 1] + 1, current[column] + 1,
                previous[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                least = min(least, beforePrevious[column - 1] + 1)
            }
            current.append(least)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
