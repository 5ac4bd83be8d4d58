package peers;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The generated rules, compiled to arrays: those on a payment, and those on a device. */
public final class Rules implements Serializable {
    private static final long serialVersionUID = 1;
    static final int ACCOUNT = 0;
    static final int HOLDER = 1;
    static final int PAIR = 2;
    static final int DEVICE = 3;
    private static final List<String> SUBJECTS = List.of("account", "holder", "pair", "device");
    private static final List<String> AGGREGATES = List.of("count", "sum", "max", "distinct");
    private static final Map<Character, Long> UNITS = Map.of('s', 1_000L, 'm', 60_000L, 'h', 3_600_000L, 'd', 86_400_000L);

    /** A signal against the least value that it must have. */
    public static final class Comparison implements Serializable {
        private static final long serialVersionUID = 1;
        String name;
        int subject;
        int aggregate;
        int window;
        long least;

        long value(SubjectLog[] logs) {
            SubjectLog log = logs[subject];
            return switch (aggregate) {
                case 0 -> log.count(window);
                case 1 -> log.sum(window);
                case 2 -> log.max(window);
                default -> log.distinct(window);
            };
        }
    }

    public static final class Rule implements Serializable {
        private static final long serialVersionUID = 1;
        String id;
        Comparison[] comparisons;
        long low;
        long high;
        String measure;
        long measureForMs;

        boolean holds(SubjectLog[] logs, long amount) {
            for (Comparison comparison : comparisons) {
                if (comparison.value(logs) < comparison.least) {
                    return false;
                }
            }
            return high == 0 || amount >= low && amount <= high;
        }
    }

    public final long[] spans;
    public final Rule[] own;
    public final Rule[] device;

    private Rules(long[] spans, List<Rule> own, List<Rule> device) {
        this.spans = spans;
        this.own = own.toArray(new Rule[0]);
        this.device = device.toArray(new Rule[0]);
    }

    public static Rules load(Path file) throws IOException {
        List<String> windows = new ArrayList<>();
        List<Rule> own = new ArrayList<>();
        List<Rule> device = new ArrayList<>();
        List<Rule> all = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            if (!line.startsWith("#")) {
                all.add(rule(line.split("\t"), windows));
            }
        }
        for (Rule rule : all) {
            (rule.comparisons[0].subject == DEVICE ? device : own).add(rule);
        }
        long[] spans = windows.stream().mapToLong(Rules::span).toArray();
        if (spans.length != SubjectLog.WINDOWS) {
            throw new IOException(file + " names " + spans.length + " windows, not " + SubjectLog.WINDOWS);
        }
        return new Rules(spans, own, device);
    }

    private static Rule rule(String[] fields, List<String> windows) {
        Rule rule = new Rule();
        rule.id = fields[0];
        String[] written = fields[1].split(",");
        rule.comparisons = new Comparison[written.length];
        for (int i = 0; i < written.length; i++) {
            String[] sides = written[i].split(">=");
            String[] parts = sides[0].split("_");
            Comparison comparison = new Comparison();
            comparison.name = sides[0];
            comparison.subject = SUBJECTS.indexOf(parts[0]);
            comparison.aggregate = AGGREGATES.indexOf(parts[1]);
            if (!windows.contains(parts[2])) {
                windows.add(parts[2]);
            }
            comparison.window = windows.indexOf(parts[2]);
            comparison.least = Long.parseLong(sides[1]);
            rule.comparisons[i] = comparison;
        }
        rule.low = Long.parseLong(fields[2]);
        rule.high = Long.parseLong(fields[3]);
        rule.measure = fields[4];
        rule.measureForMs = Long.parseLong(fields[5]);
        return rule;
    }

    private static long span(String text) {
        return Long.parseLong(text.substring(0, text.length() - 1)) * UNITS.get(text.charAt(text.length() - 1));
    }
}
