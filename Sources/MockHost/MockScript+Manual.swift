extension MockScript {
    /// The language, for `--help` and the manual page. Lines have at most 76 columns, so that
    /// nothing breaks them again.
    public static let manual = """
        A script has one instruction a line. Empty lines and lines that start with
        # are ignored. Times are milliseconds.

        accept [within MS]
            wait for the agent to connect; implied where it is needed
        greet
            send an empty line and a handshake_request
        answer [received=K] [window=BYTES] [observer]
            send a handshake_ack for the last handshake
        answer all | answer none
            answer each handshake from here on, or none
        expect TYPE [MEMBER=VALUE...] [within MS]
            pass over messages until one of TYPE comes whose members, named with
            dots between, have these values
        expect-next TYPE [MEMBER=VALUE...] [within MS]
            the same, but the very next message has to be it
        refuse TYPE [for MS]
            fail if a message of TYPE comes meanwhile
        expect-seq N [within MS]
            wait until everything up to number N has come
        send TEXT
            send a line; $EPOCH, $SESSION, $FIRST and $NEXT are the last
            handshake's, $SEQ is the last number that came, $K the last one
            without a gap before it
        send-raw TEXT
            send without a newline; \\n, \\r, \\t, \\\\, \\xHH are a byte
        send-file PATH
            send the bytes of a file
        fill N [CHARACTER]
            send N times the same byte, x by default
        ack all | ack none
            acknowledge each numbered message at once, or none
        ack lazily N
            acknowledge after every N of them
        ack after MS
            acknowledge so long after the first that is not yet
        ack now | ack NUMBER
            acknowledge once: all that came, or just that number
        read N bytes/s | read all
            read slowly, or as it comes
        pause MS
            do nothing, and read nothing
        wait MS
            go on reading, and acknowledging
        drop
            close the connection
        drop after N bytes
            close it as soon as so many more bytes came, wherever that is
        track
            from here on numbers must come in order and without a gap, but for
            those declared skipped; answers say what has come
        repeat N
            do the lines up to the next end N times
        pass | fail [TEXT]
            end the script

        The end of a script is a pass. Exit status: 0 the script passed, 1 an
        expectation did not hold, 64 usage or a script that cannot be read, 69 the
        socket cannot be had.
        """
}
