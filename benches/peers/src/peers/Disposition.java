package peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.util.TreeMap;

/** What of a disposition has to agree: rule, event (by its time), end, and the value of each signal it was decided on. */
record Disposition(String rule, long atMs, long endMs, TreeMap<String, Long> signals) {
    private static final JsonFactory JSON = new JsonFactory();

    String key() {
        return rule + '@' + atMs;
    }

    String said() {
        return "end " + endMs + ' ' + signals;
    }

    /** Reads a record of any of the systems; null if it sets no measure. */
    static Disposition read(byte[] bytes) throws IOException {
        String rule = null;
        long at = 0;
        long end = 0;
        boolean sets = false;
        TreeMap<String, Long> signals = new TreeMap<>();
        String path = "";
        String name = null;
        try (JsonParser parser = JSON.createParser(bytes)) {
            java.util.ArrayDeque<String> fields = new java.util.ArrayDeque<>();
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY) {
                    fields.push(path);
                    path = parser.currentName() == null ? path : path + '.' + parser.currentName();
                } else if (token == JsonToken.END_OBJECT || token == JsonToken.END_ARRAY) {
                    path = fields.pop();
                } else if (token.isScalarValue()) {
                    String field = parser.currentName();
                    switch (path + '.' + field) {
                        case ".type" -> sets = parser.getText().contains("disposition.measure_set");
                        case ".data.rule.id" -> rule = parser.getText();
                        case ".data.at" -> at = OffsetDateTime.parse(parser.getText()).toInstant().toEpochMilli();
                        case ".data.end" -> end = OffsetDateTime.parse(parser.getText()).toInstant().toEpochMilli();
                        case ".data.signals.name", ".data.evidence.signals.name" -> name = parser.getText();
                        case ".data.signals.value", ".data.evidence.signals.value" -> signals.put(name, parser.getLongValue());
                        default -> { }
                    }
                }
            }
        }
        return sets ? new Disposition(rule, at, end, signals) : null;
    }
}
