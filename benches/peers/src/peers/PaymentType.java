package peers;

import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** How a payment travels between Flink's tasks: its fields one after the other, without the flags of a POJO. */
public final class PaymentType extends TypeInformation<Payment> {
    private static final long serialVersionUID = 1;
    static final PaymentType INFO = new PaymentType();

    @Override
    public boolean isBasicType() {
        return false;
    }

    @Override
    public boolean isTupleType() {
        return false;
    }

    @Override
    public int getArity() {
        return 1;
    }

    @Override
    public int getTotalFields() {
        return 1;
    }

    @Override
    public Class<Payment> getTypeClass() {
        return Payment.class;
    }

    @Override
    public boolean isKeyType() {
        return false;
    }

    @Override
    public TypeSerializer<Payment> createSerializer(SerializerConfig config) {
        return new Serializer();
    }

    @Override
    public String toString() {
        return "Payment";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PaymentType;
    }

    @Override
    public int hashCode() {
        return PaymentType.class.hashCode();
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof PaymentType;
    }

    public static final class Serializer extends TypeSerializerSingleton<Payment> {
        private static final long serialVersionUID = 1;

        @Override
        public boolean isImmutableType() {
            return false;
        }

        @Override
        public Payment createInstance() {
            return new Payment();
        }

        @Override
        public Payment copy(Payment from) {
            return copy(from, new Payment());
        }

        @Override
        public Payment copy(Payment from, Payment to) {
            to.id = from.id;
            to.at = from.at;
            to.holder = from.holder;
            to.account = from.account;
            to.counterparty = from.counterparty;
            to.device = from.device;
            to.amount = from.amount;
            return to;
        }

        @Override
        public int getLength() {
            return -1;
        }

        @Override
        public void serialize(Payment payment, DataOutputView target) throws IOException {
            target.writeLong(payment.at);
            target.writeLong(payment.amount);
            StringValue.writeString(payment.id, target);
            StringValue.writeString(payment.holder, target);
            StringValue.writeString(payment.account, target);
            StringValue.writeString(payment.counterparty, target);
            StringValue.writeString(payment.device, target);
        }

        @Override
        public Payment deserialize(DataInputView source) throws IOException {
            return deserialize(new Payment(), source);
        }

        @Override
        public Payment deserialize(Payment reuse, DataInputView source) throws IOException {
            reuse.at = source.readLong();
            reuse.amount = source.readLong();
            reuse.id = StringValue.readString(source);
            reuse.holder = StringValue.readString(source);
            reuse.account = StringValue.readString(source);
            reuse.counterparty = StringValue.readString(source);
            reuse.device = StringValue.readString(source);
            return reuse;
        }

        @Override
        public void copy(DataInputView source, DataOutputView target) throws IOException {
            serialize(deserialize(source), target);
        }

        @Override
        public TypeSerializerSnapshot<Payment> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Payment> {
            public Snapshot() {
                super(Serializer::new);
            }
        }
    }
}
