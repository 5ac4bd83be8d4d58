package peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The generated files. Event n is of {@link #START} + n times the gap, so a time says which event it was. */
final class Workload {
    static final long START = 1_767_196_800_000L;
    private static final byte[] HOLDER = "\"holder\":\"".getBytes(StandardCharsets.US_ASCII);

    final Path folder;
    private final BufferedReader events;
    private final long gapMs;

    private Workload(Path folder, BufferedReader events, long gapMs) {
        this.folder = folder;
        this.events = events;
        this.gapMs = gapMs;
    }

    static Workload open(Path folder) throws IOException {
        long gapMs = Long.parseLong(Files.readString(folder.resolve("gap_ms")).trim());
        return new Workload(folder, Files.newBufferedReader(folder.resolve("events.ndjson")), gapMs);
    }

    byte[] next() throws IOException {
        String line = events.readLine();
        if (line == null) {
            throw new IOException("the generated events are used up; generate more");
        }
        return line.getBytes(StandardCharsets.UTF_8);
    }

    /** Number of the event of this time. */
    int number(long atMs) {
        return (int) ((atMs - START) / gapMs);
    }

    byte[] holderOf(byte[] event) {
        for (int i = 0; i + HOLDER.length < event.length; i++) {
            int k = 0;
            while (k < HOLDER.length && event[i + k] == HOLDER[k]) {
                k++;
            }
            if (k == HOLDER.length) {
                int end = i + k;
                while (event[end] != '"') {
                    end++;
                }
                return java.util.Arrays.copyOfRange(event, i + k, end);
            }
        }
        return null;
    }
}
