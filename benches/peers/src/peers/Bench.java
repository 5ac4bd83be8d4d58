package peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Takes one system through the same four phases and writes one line of the table: warm-up, CPU with a backlog,
 * latency at a steady rate, and {@code kill -9} under that rate. The events of all phases are one sequence.
 */
public final class Bench {
    private static final int OUTPUT_PARTITIONS = 4;

    private final Settings settings;
    private final Target target;
    private final Workload workload;
    private final Outputs outputs;
    private final KafkaProducer<byte[], byte[]> producer;
    private int sent;

    private Bench(Settings settings) throws Exception {
        this.settings = settings;
        workload = Workload.open(Path.of(settings.get("work")));
        target = Target.of(settings);
        createTopics();
        outputs = new Outputs(settings.get("servers"), target.output(), workload);
        producer = new KafkaProducer<>(producing(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    public static void main(String[] arguments) throws Exception {
        Bench bench = new Bench(Settings.of(arguments));
        Runtime.getRuntime().addShutdownHook(new Thread(bench.target::kill));
        try {
            bench.run();
        } finally {
            bench.target.kill();
            bench.outputs.close();
        }
        System.exit(0);
    }

    private Properties producing() {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", settings.get("servers"), "acks", "all", "linger.ms", "2",
                "batch.size", "65536", "buffer.memory", "134217728"));
        return properties;
    }

    private void createTopics() throws Exception {
        if (target.createsTopics()) {
            return;
        }
        Map<String, String> kept = Map.of("retention.ms", "-1");
        try (Admin admin = Admin.create(producing())) {
            List<NewTopic> topics = new ArrayList<>();
            topics.add(new NewTopic(target.input(), 1, (short) 1).configs(kept));
            topics.add(new NewTopic(target.output(), OUTPUT_PARTITIONS, (short) 1).configs(kept));
            topics.add(new NewTopic(target.devices(), OUTPUT_PARTITIONS, (short) 1).configs(kept));
            admin.createTopics(topics).all().get();
        }
    }

    private void run() throws Exception {
        int warm = settings.number("warm");
        int measured = settings.number("measured");
        int steady = settings.number("steady");
        int killed = settings.number("killed");
        double rate = settings.number("rate");
        target.start();
        send(warm, 0);
        outputs.await(sent, target);
        double[] before = target.cpuSeconds();
        long began = System.nanoTime();
        send(measured, 0);
        outputs.await(sent, target);
        double wall = (System.nanoTime() - began) / 1e9;
        double[] after = target.cpuSeconds();
        double perEvent = (sum(after) - sum(before)) * 1e6 / measured;
        say("%d events in %.1f s, %.1f us CPU an event", measured, wall, perEvent);
        int from = sent;
        send(steady, rate);
        outputs.await(sent, target);
        long[] latencies = outputs.latencies(from, sent);
        say("latency at %.0f/s, %d dispositions: p50 %.0f ms, p99 %.0f ms", rate, latencies.length,
                percentile(latencies, 0.5), percentile(latencies, 0.99));
        String memory = target.memory();
        say("memory %s", memory);
        String back = recover(killed, rate);
        say("dispositions again after kill -9: %s s", back);
        target.stop();
        String disk = target.disk();
        int doubled = outputs.doubled();
        int wrong = outputs.compare(sent, Path.of(settings.get("work"), target.name() + ".differences"));
        say("doubled %d, differing from the reference %d", doubled, wrong);
        String line = String.format(Locale.ROOT, "| %s | %.1f | %.0f | %.0f / %.0f | %s | %s | %s | %d of %d |%n", target.title(),
                perEvent, measured / wall, percentile(latencies, 0.5), percentile(latencies, 0.99), memory, back,
                disk, outputs.agreeing(), outputs.expected(sent));
        Files.writeString(Path.of(settings.get("work"), "table.md"), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Kills the process under load and starts it again at once. */
    private String recover(int count, double rate) throws Exception {
        int before = (int) Math.min(count / 4, 5 * rate);
        send(before, rate);
        long killed = System.nanoTime();
        int from = sent;
        target.kill();
        Thread restarting = new Thread(() -> {
            try {
                target.start();
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
        });
        restarting.start();
        send(count - before, rate);
        restarting.join();
        outputs.await(sent, target);
        OptionalLong again = outputs.firstArrival(from);
        return again.isEmpty() ? "not in time" : String.format(Locale.ROOT, "%.1f", (again.getAsLong() - killed) / 1e9);
    }

    /** Sends the next events, at a rate or (0) as fast as it goes. */
    private void send(int count, double rate) throws IOException {
        long began = System.nanoTime();
        for (int i = 0; i < count; i++) {
            byte[] event = workload.next();
            if (rate > 0) {
                long due = began + (long) (i / rate * 1e9);
                for (long early; (early = due - System.nanoTime()) > 200_000; ) {
                    LockSupport.parkNanos(early);
                }
            }
            outputs.sent(sent++, System.nanoTime());
            producer.send(new ProducerRecord<>(target.input(), 0, workload.holderOf(event), event));
        }
        producer.flush();
    }

    private void say(String text, Object... values) {
        System.out.printf(Locale.ROOT, "  %s: %s%n", target.name(), String.format(Locale.ROOT, text, values));
    }

    private static double sum(double[] values) {
        return Arrays.stream(values).sum();
    }

    private static double percentile(long[] sorted, double part) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.min(sorted.length - 1, part * sorted.length)] / 1e6;
    }
}
