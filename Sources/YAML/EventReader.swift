import CYaml

/// Builds the tree of one document from libyaml's events.
@safe struct EventReader: ~Copyable {
    /// SAFETY: made in init and destroyed in deinit, after which nobody has it.
    private let reader: UnsafeMutablePointer<cyaml_reader>
    /// SAFETY: a copy of the file's bytes which libyaml reads from as long as `reader` lives.
    private let bytes: UnsafeMutableRawBufferPointer
    private let file: String
    private var nodes = 0

    /// - Throws: when there is no memory.
    init(_ source: [UInt8], file: String) throws(YAMLError) {
        self.file = file
        unsafe bytes = .allocate(byteCount: max(source.count, 1), alignment: 1)
        unsafe bytes.copyBytes(from: source)
        guard let reader = unsafe cyaml_open(bytes.baseAddress, source.count) else {
            unsafe bytes.deallocate()
            throw YAMLError(
                YAMLPlace(file: file, line: 1, column: 1), "no memory to read it", "try again")
        }
        unsafe self.reader = reader
    }

    deinit {
        unsafe cyaml_close(reader)
        unsafe bytes.deallocate()
    }

    /// An event whose text has been copied.
    private struct Event {
        let kind: cyaml_kind
        let place: YAMLPlace
        let isPlain: Bool
        let text: String
    }

    /// The next event, if it is one of those that are understood here.
    private mutating func next() throws(YAMLError) -> Event {
        // SAFETY: the event's text holds until the next call, and is copied before.
        let raw = unsafe cyaml_next(reader)
        let place = unsafe YAMLPlace(file: file, line: raw.line, column: raw.column)
        let kind = unsafe raw.kind
        if kind == CYAML_FAILED {
            let problem = unsafe String(cString: cyaml_problem(reader))
            throw YAMLError(
                place, "not YAML: \(problem)", "look at the quotes and the indentation here")
        }
        if kind == CYAML_ALIAS {
            throw YAMLError(place, "an alias (*name)", "write the value out again")
        }
        if unsafe raw.has_anchor {
            throw YAMLError(place, "an anchor (&name)", "leave it out, and write values out")
        }
        if unsafe raw.has_tag {
            throw YAMLError(
                place, "a tag (!name) or a directive (%NAME)", "leave it out, or quote the text")
        }
        let text = unsafe raw.text.map { start in
            unsafe String(
                decoding: UnsafeBufferPointer(start: start, count: raw.text_bytes), as: UTF8.self)
        }
        if text?.unicodeScalars.contains("\0") == true {
            throw YAMLError(place, "a text with U+0000 in it", "leave that character out")
        }
        return unsafe Event(kind: kind, place: place, isPlain: raw.is_plain, text: text ?? "")
    }

    /// The file's one document; `nil` when there is none.
    mutating func document() throws(YAMLError) -> YAMLNode? {
        _ = try next()
        guard try next().kind == CYAML_DOCUMENT_START else { return nil }
        let first = try next()
        // A file of comments between markers has one empty scalar.
        let isEmpty = first.kind == CYAML_SCALAR && first.isPlain && first.text.isEmpty
        let root = isEmpty ? nil : try node(first, depth: 1)
        _ = try next()
        let end = try next()
        guard end.kind == CYAML_STREAM_END else {
            throw YAMLError(end.place, "a second document", "keep one, without \"---\" after it")
        }
        return root
    }

    private mutating func node(_ event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
        nodes += 1
        guard nodes <= YAMLLimits.nodesMax else {
            throw YAMLError(
                event.place, "more than \(YAMLLimits.nodesMax) values", "split the file")
        }
        guard depth <= YAMLLimits.depthMax else {
            throw YAMLError(
                event.place, "nested deeper than \(YAMLLimits.depthMax) levels", "flatten it")
        }
        let content: YAMLNode.Content =
            switch event.kind {
            case CYAML_SEQUENCE_START: .sequence(try sequence(depth))
            case CYAML_MAPPING_START: .mapping(try mapping(depth))
            default: .scalar(event.text, isPlain: event.isPlain)
            }
        return YAMLNode(place: event.place, content: content)
    }

    private mutating func sequence(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if event.kind == CYAML_SEQUENCE_END { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func mapping(_ depth: Int) throws(YAMLError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var places: [String: YAMLPlace] = [:]
        while true {
            let key = try next()
            if key.kind == CYAML_MAPPING_END { return entries }
            guard key.kind == CYAML_SCALAR, !key.text.isEmpty else {
                throw YAMLError(key.place, "a key that is no name", "write \"name: value\"")
            }
            if let first = places.updateValue(key.place, forKey: key.text) {
                throw YAMLError(
                    key.place,
                    "the key \"\(key.text.shown)\" again, which stands in line "
                        + "\(first.line) already", "keep one of the two")
            }
            let value = try node(try next(), depth: depth + 1)
            entries.append(YAMLEntry(key: key.text, place: key.place, value: value))
        }
    }
}
