package peers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** All logs that live under one Flink key, as live objects: "" is the key itself, the others are its accounts and pairs. */
public final class Logs {
    private final Map<String, SubjectLog> logs = new HashMap<>(4);

    SubjectLog of(String subject) {
        SubjectLog log = logs.get(subject);
        if (log == null) {
            log = new SubjectLog();
            logs.put(subject, log);
        }
        return log;
    }

    private static boolean isPair(String subject) {
        return subject.indexOf('|') >= 0;
    }

    /** Bytes for checkpoints; copies are made only of what is touched while one is being written. */
    public static final class Type extends TypeSerializerSingleton<Logs> {
        private static final long serialVersionUID = 1;

        @Override
        public boolean isImmutableType() {
            return false;
        }

        @Override
        public Logs createInstance() {
            return new Logs();
        }

        @Override
        public Logs copy(Logs from) {
            Logs copy = new Logs();
            from.logs.forEach((subject, log) -> copy.logs.put(subject, log.copy(isPair(subject))));
            return copy;
        }

        @Override
        public Logs copy(Logs from, Logs reuse) {
            return copy(from);
        }

        @Override
        public int getLength() {
            return -1;
        }

        @Override
        public void serialize(Logs own, DataOutputView target) throws IOException {
            target.writeInt(own.logs.size());
            for (Map.Entry<String, SubjectLog> entry : own.logs.entrySet()) {
                target.writeUTF(entry.getKey());
                ByteBuffer bytes = ByteBuffer.allocate(entry.getValue().bytes());
                entry.getValue().write(bytes);
                target.writeInt(bytes.capacity());
                target.write(bytes.array());
            }
        }

        @Override
        public Logs deserialize(DataInputView source) throws IOException {
            Logs own = new Logs();
            int size = source.readInt();
            for (int i = 0; i < size; i++) {
                String subject = source.readUTF();
                byte[] bytes = new byte[source.readInt()];
                source.readFully(bytes);
                own.of(subject).read(ByteBuffer.wrap(bytes), isPair(subject), false);
            }
            return own;
        }

        @Override
        public Logs deserialize(Logs reuse, DataInputView source) throws IOException {
            return deserialize(source);
        }

        @Override
        public void copy(DataInputView source, DataOutputView target) throws IOException {
            serialize(deserialize(source), target);
        }

        @Override
        public TypeSerializerSnapshot<Logs> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Logs> {
            public Snapshot() {
                super(Type::new);
            }
        }
    }
}
