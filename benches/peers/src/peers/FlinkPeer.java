package peers;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The workload as a Flink DataStream program: two keyed process functions (by holder and by device) and an
 * exactly-once Kafka sink, in one process without network between its tasks.
 */
public final class FlinkPeer {
    private FlinkPeer() {}

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.of(arguments);
        Rules rules = Rules.load(Path.of(settings.get("rules")));
        boolean onHeap = settings.get("store").equals("memory");
        StreamExecutionEnvironment flink =
                StreamExecutionEnvironment.createLocalEnvironment(2, configuration(settings, onHeap));
        flink.enableCheckpointing(settings.number("commit_ms"));
        DataStream<Payment> payments = flink
                .fromSource(source(settings), WatermarkStrategy.noWatermarks(), "events", PaymentType.INFO)
                .setParallelism(1);
        SingleOutputStreamOperator<Tuple2<byte[], byte[]>> own = payments.keyBy(payment -> payment.holder)
                .process(onHeap ? new OwnOnHeap(rules) : new OwnInStore(rules), OUT).name("own");
        SingleOutputStreamOperator<Tuple2<byte[], byte[]>> device = payments.keyBy(payment -> payment.device)
                .process(onHeap ? new DeviceOnHeap(rules) : new DeviceInStore(rules), OUT).name("device");
        own.union(device).sinkTo(sink(settings)).name("dispositions");
        flink.execute("peer");
    }

    private static final TypeInformation<Tuple2<byte[], byte[]>> OUT =
            Types.TUPLE(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

    private static Configuration configuration(Settings settings, boolean onHeap) {
        Configuration configuration = new Configuration();
        configuration.setString("state.backend.type", onHeap ? "hashmap" : "rocksdb");
        configuration.setString("execution.checkpointing.storage", "filesystem");
        configuration.setString("execution.checkpointing.dir", Path.of(settings.get("state"), "checkpoints").toUri().toString());
        configuration.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        configuration.setString("execution.checkpointing.incremental", "true");
        configuration.setString("execution.checkpointing.min-pause", "100ms");
        configuration.setString("state.backend.rocksdb.use-bloom-filter", "true");
        configuration.setString("state.backend.rocksdb.localdir", Path.of(settings.get("state"), "rocksdb").toString());
        configuration.setString("pipeline.object-reuse", "true");
        configuration.setString("pipeline.generic-types", "false");
        configuration.setString("taskmanager.memory.managed.size", onHeap ? "64m" : "1g");
        configuration.setString("taskmanager.memory.network.min", "64m");
        configuration.setString("taskmanager.memory.network.max", "64m");
        String from = settings.get("restore", "");
        if (!from.isEmpty()) {
            configuration.setString("execution.state-recovery.path", from);
        }
        return configuration;
    }

    private static KafkaSource<Payment> source(Settings settings) {
        return KafkaSource.<Payment>builder().setBootstrapServers(settings.get("servers"))
                .setTopics(settings.get("input")).setGroupId(settings.get("name"))
                .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new PaymentReader())
                .setProperty("max.poll.records", "2000").build();
    }

    private static KafkaSink<Tuple2<byte[], byte[]>> sink(Settings settings) {
        Properties producer = new Properties();
        producer.put("transaction.timeout.ms", "600000");
        producer.put("linger.ms", "5");
        producer.put("batch.size", "131072");
        producer.put("compression.type", "lz4");
        return KafkaSink.<Tuple2<byte[], byte[]>>builder().setBootstrapServers(settings.get("servers"))
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE).setTransactionalIdPrefix(settings.get("name"))
                .setKafkaProducerConfig(producer).setRecordSerializer(new Writer(settings.get("output"))).build();
    }

    private record Writer(String topic) implements KafkaRecordSerializationSchema<Tuple2<byte[], byte[]>> {
        @Override
        public ProducerRecord<byte[], byte[]> serialize(Tuple2<byte[], byte[]> out, KafkaSinkContext context, Long at) {
            return new ProducerRecord<>(topic, out.f0, out.f1);
        }
    }

    private static final class PaymentReader implements DeserializationSchema<Payment> {
        private static final long serialVersionUID = 1;

        @Override
        public Payment deserialize(byte[] bytes) {
            Payment payment = new Payment();
            return payment.parse(bytes) && payment.device != null ? payment : null;
        }

        @Override
        public boolean isEndOfStream(Payment payment) {
            return false;
        }

        @Override
        public TypeInformation<Payment> getProducedType() {
            return PaymentType.INFO;
        }
    }

    /** Both keyed functions: rules, and where dispositions go. */
    private abstract static class Deciding extends KeyedProcessFunction<String, Payment, Tuple2<byte[], byte[]>> {
        private static final long serialVersionUID = 1;
        protected final Rules rules;

        Deciding(Rules rules) {
            this.rules = rules;
        }

        protected void decide(Rules.Rule[] which, SubjectLog[] logs, Payment payment, Collector<Tuple2<byte[], byte[]>> out) {
            Dispositions.decide(which, logs, payment, one -> out.collect(Tuple2.of(Payment.utf8(one.holder()), one.value())));
        }
    }

    /** All logs of a holder are one live object. */
    private static final class OwnOnHeap extends Deciding {
        private static final long serialVersionUID = 1;
        private transient ValueState<Logs> state;
        private transient SubjectLog[] logs;

        OwnOnHeap(Rules rules) {
            super(rules);
        }

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("logs", new Logs.Type()));
            logs = new SubjectLog[3];
        }

        @Override
        public void processElement(Payment payment, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
            Logs own = state.value();
            if (own == null) {
                own = new Logs();
            }
            long other = Payment.shortForm(payment.counterparty);
            logs[Rules.ACCOUNT] = own.of(payment.account);
            logs[Rules.HOLDER] = own.of("");
            logs[Rules.PAIR] = own.of(payment.account + '|' + payment.counterparty);
            logs[Rules.ACCOUNT].add(payment.at, payment.amount, other, rules.spans, false, null);
            logs[Rules.HOLDER].add(payment.at, payment.amount, other, rules.spans, false, null);
            logs[Rules.PAIR].add(payment.at, payment.amount, other, rules.spans, true, null);
            state.update(own);
            decide(rules.own, logs, payment, out);
        }
    }

    private static final class DeviceOnHeap extends Deciding {
        private static final long serialVersionUID = 1;
        private transient ValueState<Logs> state;
        private transient SubjectLog[] logs;

        DeviceOnHeap(Rules rules) {
            super(rules);
        }

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("logs", new Logs.Type()));
            logs = new SubjectLog[4];
        }

        @Override
        public void processElement(Payment payment, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
            Logs own = state.value();
            if (own == null) {
                own = new Logs();
            }
            logs[Rules.DEVICE] = own.of("");
            logs[Rules.DEVICE].add(payment.at, payment.amount, Payment.shortForm(payment.holder), rules.spans, false, null);
            state.update(own);
            decide(rules.device, logs, payment, out);
        }
    }

    /** Logs in map states of the key: one value for a short log, full chunks apart. */
    private abstract static class InStore extends Deciding {
        private static final long serialVersionUID = 1;
        private transient MapState<String, byte[]> values;
        private transient StateSpill spill;

        InStore(Rules rules) {
            super(rules);
        }

        @Override
        public void open(OpenContext context) {
            TypeInformation<byte[]> bytes = PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
            values = getRuntimeContext().getMapState(new MapStateDescriptor<>("logs", Types.STRING, bytes));
            spill = new StateSpill();
            spill.chunks = getRuntimeContext().getMapState(
                    new MapStateDescriptor<>("chunks", Types.TUPLE(Types.STRING, Types.INT), bytes));
            spill.lasts = getRuntimeContext().getMapState(
                    new MapStateDescriptor<>("lasts", Types.TUPLE(Types.STRING, Types.LONG), Types.INT));
        }

        protected void add(String subject, SubjectLog log, Payment payment, long other, boolean oneOther) throws Exception {
            byte[] stored = values.get(subject);
            if (stored == null) {
                log.clear();
            } else {
                log.read(ByteBuffer.wrap(stored), oneOther, true);
            }
            spill.subject = subject;
            log.add(payment.at, payment.amount, other, rules.spans, oneOther, spill);
            ByteBuffer written = ByteBuffer.allocate(log.bytes());
            log.write(written);
            values.put(subject, written.array());
        }
    }

    private static final class StateSpill implements Spill {
        MapState<Tuple2<String, Integer>, byte[]> chunks;
        MapState<Tuple2<String, Long>, Integer> lasts;
        String subject;

        private interface Access<T> {
            T run() throws Exception;
        }

        private static <T> T access(Access<T> access) {
            try {
                return access.run();
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
        }

        @Override
        public byte[] chunk(int number) {
            return access(() -> chunks.get(Tuple2.of(subject, number)));
        }

        @Override
        public void putChunk(int number, byte[] entries) {
            access(() -> {
                chunks.put(Tuple2.of(subject, number), entries);
                return null;
            });
        }

        @Override
        public void removeChunk(int number) {
            access(() -> {
                chunks.remove(Tuple2.of(subject, number));
                return null;
            });
        }

        @Override
        public int last(long other) {
            Integer place = access(() -> lasts.get(Tuple2.of(subject, other)));
            return place == null ? -1 : place;
        }

        @Override
        public void putLast(long other, int place) {
            access(() -> {
                lasts.put(Tuple2.of(subject, other), place);
                return null;
            });
        }

        @Override
        public void removeLast(long other) {
            access(() -> {
                lasts.remove(Tuple2.of(subject, other));
                return null;
            });
        }
    }

    private static final class OwnInStore extends InStore {
        private static final long serialVersionUID = 1;
        private transient SubjectLog[] logs;

        OwnInStore(Rules rules) {
            super(rules);
        }

        @Override
        public void open(OpenContext context) {
            super.open(context);
            logs = new SubjectLog[] {new SubjectLog(), new SubjectLog(), new SubjectLog()};
        }

        @Override
        public void processElement(Payment payment, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
            long other = Payment.shortForm(payment.counterparty);
            add(payment.account, logs[Rules.ACCOUNT], payment, other, false);
            add("", logs[Rules.HOLDER], payment, other, false);
            add(payment.account + '|' + payment.counterparty, logs[Rules.PAIR], payment, other, true);
            decide(rules.own, logs, payment, out);
        }
    }

    private static final class DeviceInStore extends InStore {
        private static final long serialVersionUID = 1;
        private transient SubjectLog[] logs;

        DeviceInStore(Rules rules) {
            super(rules);
        }

        @Override
        public void open(OpenContext context) {
            super.open(context);
            logs = new SubjectLog[4];
            logs[Rules.DEVICE] = new SubjectLog();
        }

        @Override
        public void processElement(Payment payment, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
            add("", logs[Rules.DEVICE], payment, Payment.shortForm(payment.holder), false);
            decide(rules.device, logs, payment, out);
        }
    }
}
