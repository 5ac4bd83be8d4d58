package peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** What a device's task hears of a payment, in as few bytes as a careful programmer would send. */
final class Met {
    private Met() {}

    static byte[] write(Payment payment) {
        byte[] id = Payment.utf8(payment.id);
        byte[] holder = Payment.utf8(payment.holder);
        byte[] account = Payment.utf8(payment.account);
        ByteBuffer out = ByteBuffer.allocate(16 + 3 + id.length + holder.length + account.length);
        out.putLong(payment.at).putLong(payment.amount);
        for (byte[] text : new byte[][] {id, holder, account}) {
            out.put((byte) text.length).put(text);
        }
        return out.array();
    }

    static void read(byte[] bytes, Payment payment) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        payment.at = in.getLong();
        payment.amount = in.getLong();
        payment.id = text(in);
        payment.holder = text(in);
        payment.account = text(in);
    }

    private static String text(ByteBuffer in) {
        int length = in.get() & 0xff;
        String text = new String(in.array(), in.position(), length, StandardCharsets.ISO_8859_1);
        in.position(in.position() + length);
        return text;
    }
}
