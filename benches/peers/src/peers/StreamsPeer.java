package peers;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.WallclockTimestampExtractor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The workload as a Kafka Streams program: Processor API, state stores with changelogs, exactly_once_v2.
 *
 * <p>The source is keyed by holder, so account, holder and pair live where the event arrives. What a device has to
 * hear goes through a repartition topic of its own, in 60 bytes rather than 400.
 */
public final class StreamsPeer {
    private StreamsPeer() {}

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.of(arguments);
        Rules rules = Rules.load(Path.of(settings.get("rules")));
        boolean inMemory = settings.get("store").equals("memory");
        Topology topology = topology(settings, rules, inMemory);
        KafkaStreams streams = new KafkaStreams(topology, properties(settings));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(java.time.Duration.ofSeconds(20))));
        streams.start();
    }

    private static Properties properties(Settings settings) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, settings.get("name"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, settings.get("servers"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.get("state"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, settings.get("commit_ms"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
        properties.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
        properties.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, WallclockTimestampExtractor.class);
        // Event times of a few weeks would otherwise be deleted by retention as they are written.
        properties.put(StreamsConfig.topicPrefix("retention.ms"), "-1");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 10_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "bench");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 131_072);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 10_000);
        if (settings.get("store").equals("rocksdb")) {
            properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksTuning.class);
        }
        return properties;
    }

    private static Topology topology(Settings settings, Rules rules, boolean inMemory) {
        var bytes = Serdes.ByteArray();
        String input = settings.get("input");
        String output = settings.get("output");
        String devices = settings.get("devices");
        Topology topology = new Topology();
        topology.addSource("events", bytes.deserializer(), bytes.deserializer(), input);
        topology.addProcessor("own", () -> new Own(rules), "events");
        topology.addSink("to-devices", devices, bytes.serializer(), bytes.serializer(), "own");
        topology.addSource("from-devices", bytes.deserializer(), bytes.deserializer(), devices);
        topology.addProcessor("device", () -> new Device(rules), "from-devices");
        topology.addSink("dispositions", output, bytes.serializer(), bytes.serializer(), "own", "device");
        for (String owner : List.of("own", "device")) {
            for (String part : List.of("logs", "chunks", "lasts")) {
                topology.addStateStore(store(owner + "-" + part, inMemory), owner);
            }
        }
        return topology;
    }

    private static StoreBuilder<KeyValueStore<Bytes, byte[]>> store(String name, boolean inMemory) {
        KeyValueBytesStoreSupplier supplier =
                inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
        // Caching joins the writes of one commit interval: a hot key goes to the changelog once in it.
        return Stores.keyValueStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray()).withCachingEnabled();
    }

    /** What both processors share: logs in stores, one value for a short log. */
    private abstract static class Keeping implements Processor<byte[], byte[], byte[], byte[]> {
        protected final Rules rules;
        protected ProcessorContext<byte[], byte[]> context;
        private final String owner;
        private KeyValueStore<Bytes, byte[]> logs;
        private final StoreSpill spill = new StoreSpill();

        Keeping(Rules rules, String owner) {
            this.rules = rules;
            this.owner = owner;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> context) {
            this.context = context;
            logs = context.getStateStore(owner + "-logs");
            spill.chunks = context.getStateStore(owner + "-chunks");
            spill.lasts = context.getStateStore(owner + "-lasts");
        }

        /** Adds an entry to a subject's log, and leaves the log in {@code log} for the rules. */
        protected void add(String subject, SubjectLog log, Payment payment, long other, boolean oneOther) {
            byte[] subjectBytes = Payment.utf8(subject);
            Bytes key = Bytes.wrap(subjectBytes);
            byte[] stored = logs.get(key);
            if (stored == null) {
                log.clear();
            } else {
                log.read(ByteBuffer.wrap(stored), oneOther, true);
            }
            spill.subject = subjectBytes;
            log.add(payment.at, payment.amount, other, rules.spans, oneOther, spill);
            ByteBuffer written = ByteBuffer.allocate(log.bytes());
            log.write(written);
            logs.put(key, written.array());
        }

        protected void publish(Dispositions.Out out, Record<byte[], byte[]> cause) {
            context.forward(new Record<>(Payment.utf8(out.holder()), out.value(), cause.timestamp()), "dispositions");
        }
    }

    private static final class StoreSpill implements Spill {
        KeyValueStore<Bytes, byte[]> chunks;
        KeyValueStore<Bytes, byte[]> lasts;
        byte[] subject;

        private Bytes key(int size) {
            return Bytes.wrap(java.util.Arrays.copyOf(subject, subject.length + size));
        }

        private Bytes chunkKey(int number) {
            Bytes key = key(5);
            ByteBuffer.wrap(key.get()).position(subject.length + 1).putInt(number);
            return key;
        }

        private Bytes otherKey(long other) {
            Bytes key = key(9);
            ByteBuffer.wrap(key.get()).position(subject.length + 1).putLong(other);
            return key;
        }

        @Override
        public byte[] chunk(int number) {
            return chunks.get(chunkKey(number));
        }

        @Override
        public void putChunk(int number, byte[] entries) {
            chunks.put(chunkKey(number), entries);
        }

        @Override
        public void removeChunk(int number) {
            chunks.delete(chunkKey(number));
        }

        @Override
        public int last(long other) {
            byte[] place = lasts.get(otherKey(other));
            return place == null ? -1 : ByteBuffer.wrap(place).getInt();
        }

        @Override
        public void putLast(long other, int place) {
            lasts.put(otherKey(other), ByteBuffer.allocate(4).putInt(place).array());
        }

        @Override
        public void removeLast(long other) {
            lasts.delete(otherKey(other));
        }
    }

    /** Account, holder and pair. */
    private static final class Own extends Keeping {
        private final Payment payment = new Payment();
        private final SubjectLog[] logs = {new SubjectLog(), new SubjectLog(), new SubjectLog()};

        Own(Rules rules) {
            super(rules, "own");
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            if (!payment.parse(record.value())) {
                return;
            }
            long other = Payment.shortForm(payment.counterparty);
            add(payment.account, logs[Rules.ACCOUNT], payment, other, false);
            add(payment.holder, logs[Rules.HOLDER], payment, other, false);
            add(payment.account + '|' + payment.counterparty, logs[Rules.PAIR], payment, other, true);
            Dispositions.decide(rules.own, logs, payment, out -> publish(out, record));
            if (payment.device != null) {
                byte[] met = Met.write(payment);
                context.forward(new Record<>(Payment.utf8(payment.device), met, record.timestamp()), "to-devices");
            }
        }
    }

    private static final class Device extends Keeping {
        private final Payment payment = new Payment();
        private final SubjectLog[] logs = new SubjectLog[4];

        Device(Rules rules) {
            super(rules, "device");
            logs[Rules.DEVICE] = new SubjectLog();
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            Met.read(record.value(), payment);
            String device = new String(record.key(), java.nio.charset.StandardCharsets.UTF_8);
            add(device, logs[Rules.DEVICE], payment, Payment.shortForm(payment.holder), false);
            Dispositions.decide(rules.device, logs, payment, out -> publish(out, record));
        }
    }
}
