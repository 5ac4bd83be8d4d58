package peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What a source event says, as far as signals and rules ask. */
public final class Payment {
    private static final JsonFactory JSON = new JsonFactory();

    public String id;
    public long at;
    public String holder;
    public String account;
    public String counterparty;
    public String device;
    public long amount;

    /** Reads an event; false if it is not a transfer of one of ours with all that is asked for. */
    public boolean parse(byte[] bytes) {
        id = holder = account = counterparty = device = null;
        amount = -1;
        boolean transfer = false;
        try (JsonParser parser = JSON.createParser(bytes)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return false;
            }
            String name;
            while ((name = parser.nextFieldName()) != null) {
                switch (name) {
                    case "id" -> id = parser.nextTextValue();
                    case "type" -> transfer = "transfer_posted".equals(parser.nextTextValue());
                    case "time" -> at = Times.parse(parser.nextTextValue());
                    case "data" -> {
                        parser.nextToken();
                        data(parser);
                    }
                    default -> skip(parser);
                }
            }
        } catch (IOException malformed) {
            return false;
        }
        return transfer && id != null && holder != null && account != null && counterparty != null && amount >= 0;
    }

    private void data(JsonParser parser) throws IOException {
        String name;
        while ((name = parser.nextFieldName()) != null) {
            switch (name) {
                case "payer", "counterparty", "amount" -> {
                    parser.nextToken();
                    party(parser);
                }
                case "device" -> device = parser.nextTextValue();
                default -> skip(parser);
            }
        }
    }

    private void party(JsonParser parser) throws IOException {
        String name;
        while ((name = parser.nextFieldName()) != null) {
            switch (name) {
                case "holder" -> holder = parser.nextTextValue();
                case "ref" -> account = parser.nextTextValue();
                case "account" -> counterparty = parser.nextTextValue();
                case "minor" -> amount = parser.nextLongValue(-1);
                default -> skip(parser);
            }
        }
    }

    private static void skip(JsonParser parser) throws IOException {
        parser.nextToken();
        parser.skipChildren();
    }

    /** FNV-1a 64 with a final mix: how a counterparty is told from others within a window. */
    public static long shortForm(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        hash ^= hash >>> 32;
        hash *= 0x9E3779B97F4A7C15L;
        return hash ^ (hash >>> 29);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
