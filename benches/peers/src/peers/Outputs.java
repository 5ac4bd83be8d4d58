package peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What a {@code read_committed} reader sees, and when; held against the reference. */
final class Outputs implements AutoCloseable {
    private static final long STUCK_NS = 180_000_000_000L;

    private record Arrival(int event, long arrivedNs, String said) {}

    private final Workload workload;
    private final Map<String, String> reference = new HashMap<>();
    /** Reference dispositions before event n. */
    private final int[] expected;
    private final long[] sentNs;
    private final Map<String, Arrival> seen = new HashMap<>();
    private int doubled;
    private int agreeing;
    private volatile boolean closing;
    private final Thread reader;

    Outputs(String servers, String topic, Workload workload) throws IOException {
        this.workload = workload;
        int events;
        try (var lines = Files.lines(workload.folder.resolve("events.ndjson"))) {
            events = (int) lines.count();
        }
        expected = new int[events + 1];
        sentNs = new long[events];
        try (BufferedReader lines = Files.newBufferedReader(workload.folder.resolve("reference.ndjson"))) {
            for (String line; (line = lines.readLine()) != null; ) {
                Disposition one = Disposition.read(line.getBytes(StandardCharsets.UTF_8));
                if (one != null) {
                    reference.put(one.key(), one.said());
                    expected[workload.number(one.atMs()) + 1]++;
                }
            }
        }
        for (int i = 1; i <= events; i++) {
            expected[i] += expected[i - 1];
        }
        reader = new Thread(() -> read(servers, topic), "reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void read(String servers, String topic) {
        Properties properties = new Properties();
        properties.putAll(Map.of("bootstrap.servers", servers, "isolation.level", "read_committed", "fetch.min.bytes", "1",
                "fetch.max.wait.ms", "100", "auto.offset.reset", "earliest", "enable.auto.commit", "false"));
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (!closing) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    take(record.value(), System.nanoTime());
                }
            }
        }
    }

    private synchronized void take(byte[] value, long nowNs) {
        try {
            Disposition one = value == null ? null : Disposition.read(value);
            if (one == null) {
                return;
            }
            Arrival arrival = new Arrival(workload.number(one.atMs()), nowNs, one.said());
            if (seen.putIfAbsent(one.key(), arrival) != null) {
                doubled++;
            }
        } catch (IOException malformed) {
            throw new IllegalStateException(malformed);
        }
    }

    void sent(int event, long nowNs) {
        sentNs[event] = nowNs;
    }

    int expected(int events) {
        return expected[events];
    }

    /** Waits until what the first events lead to has been read. */
    void await(int events, Target target) throws Exception {
        long progressed = System.nanoTime();
        for (int last = -1; ; Thread.sleep(5)) {
            int now = size();
            if (now >= expected[events]) {
                return;
            }
            if (now != last) {
                last = now;
                progressed = System.nanoTime();
            }
            if (System.nanoTime() - progressed > STUCK_NS) {
                System.out.println("  no further disposition for long: " + now + " of " + expected[events] + "; see "
                        + target.log());
                return;
            }
        }
    }

    private synchronized int size() {
        return seen.size();
    }

    synchronized int doubled() {
        return doubled;
    }

    int agreeing() {
        return agreeing;
    }

    /** From sending to reading, sorted, of dispositions on the events from..to. */
    synchronized long[] latencies(int from, int to) {
        return seen.values().stream().filter(one -> one.event >= from && one.event < to)
                .mapToLong(one -> one.arrivedNs - sentNs[one.event]).sorted().toArray();
    }

    /** When the first disposition on an event from {@code from} on was read, if one was. */
    synchronized OptionalLong firstArrival(int from) {
        return seen.values().stream().filter(one -> one.event >= from).mapToLong(Arrival::arrivedNs).min();
    }

    /** Counts and writes down what differs from the reference, one a line. */
    synchronized int compare(int events, Path file) throws IOException {
        List<String> differences = new ArrayList<>();
        seen.forEach((key, arrival) -> {
            String said = reference.get(key);
            if (said == null) {
                differences.add("only here: " + key + ' ' + arrival.said);
            } else if (!said.equals(arrival.said)) {
                differences.add("differs: " + key + " reference " + said + " here " + arrival.said);
            } else {
                agreeing++;
            }
        });
        reference.forEach((key, said) -> {
            long at = Long.parseLong(key.substring(key.indexOf('@') + 1));
            if (!seen.containsKey(key) && workload.number(at) < events) {
                differences.add("missing here: " + key + ' ' + said);
            }
        });
        differences.sort(null);
        Files.write(file, differences);
        differences.stream().limit(5).forEach(line -> System.out.println("    " + line));
        return differences.size();
    }

    @Override
    public void close() throws InterruptedException {
        closing = true;
        reader.join(5_000);
    }
}
