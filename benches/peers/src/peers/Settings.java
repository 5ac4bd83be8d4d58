package peers;

import java.util.HashMap;
import java.util.Map;

/** {@code name=value} arguments. */
final class Settings {
    private final Map<String, String> values = new HashMap<>();

    static Settings of(String[] arguments) {
        Settings settings = new Settings();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("`" + argument + "` is not of the form name=value");
            }
            settings.values.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        return settings;
    }

    String get(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("`" + name + "=` is missing");
        }
        return value;
    }

    String get(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    int number(String name) {
        return Integer.parseInt(get(name));
    }
}
