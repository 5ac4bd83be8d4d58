package peers;

import java.time.LocalDate;
import java.time.OffsetDateTime;

/** RFC 3339 times in milliseconds. */
final class Times {

    private Times() {}

    /** The generated form {@code 2026-01-01T00:00:00.000Z} is read by hand, anything else by the library. */
    static long parse(String text) {
        if (text.length() != 24 || text.charAt(23) != 'Z' || text.charAt(19) != '.') {
            return OffsetDateTime.parse(text).toInstant().toEpochMilli();
        }
        long date = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
        long seconds = number(text, 11, 13) * 3600L + number(text, 14, 16) * 60L + number(text, 17, 19);
        return date * 86_400_000L + seconds * 1000 + number(text, 20, 23);
    }

    private static int number(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            value = value * 10 + text.charAt(i) - '0';
        }
        return value;
    }
}
