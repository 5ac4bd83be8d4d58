package peers;

import java.time.Instant;
import java.util.function.Consumer;

/** Evaluates rules and writes what they decide. */
public final class Dispositions {
    private Dispositions() {}

    /** A disposition, keyed by its holder. */
    public record Out(String holder, byte[] value) {}

    public static void decide(Rules.Rule[] rules, SubjectLog[] logs, Payment payment, Consumer<Out> out) {
        for (Rules.Rule rule : rules) {
            if (rule.holds(logs, payment.amount)) {
                out.accept(new Out(payment.holder, json(rule, logs, payment)));
            }
        }
    }

    private static byte[] json(Rules.Rule rule, SubjectLog[] logs, Payment payment) {
        StringBuilder text = new StringBuilder(512);
        text.append("{\"specversion\":\"1.0\",\"id\":\"").append(payment.id).append('/').append(rule.id)
                .append("\",\"type\":\"disposition.measure_set\",\"data\":{\"rule\":{\"id\":\"").append(rule.id)
                .append("\"},\"subject\":\"").append(payment.account).append("\",\"holder\":\"").append(payment.holder)
                .append("\",\"event\":\"").append(payment.id).append("\",\"at\":\"").append(Instant.ofEpochMilli(payment.at))
                .append("\",\"measure\":\"").append(rule.measure).append("\",\"end\":\"")
                .append(Instant.ofEpochMilli(payment.at + rule.measureForMs)).append("\",\"signals\":[");
        for (int i = 0; i < rule.comparisons.length; i++) {
            Rules.Comparison comparison = rule.comparisons[i];
            text.append(i == 0 ? "" : ",").append("{\"name\":\"").append(comparison.name).append("\",\"value\":")
                    .append(comparison.value(logs)).append('}');
        }
        return Payment.utf8(text.append("]}}").toString());
    }
}
