package peers;

import java.util.Arrays;

/** Open addressing from a long to a place, which is never negative. */
final class LongIntTable {
    private static final int EMPTY = -1;
    private static final int REMOVED = -2;

    private long[] keys = new long[64];
    private int[] places = filled(64);
    private int used;
    private int live;

    private static int[] filled(int size) {
        int[] places = new int[size];
        Arrays.fill(places, EMPTY);
        return places;
    }

    private int slot(long key) {
        long mixed = key * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> 32) & (keys.length - 1);
    }

    int get(long key) {
        for (int i = slot(key); places[i] != EMPTY; i = (i + 1) & (keys.length - 1)) {
            if (keys[i] == key && places[i] >= 0) {
                return places[i];
            }
        }
        return -1;
    }

    void put(long key, int place) {
        if (2 * (used + 1) > keys.length) {
            rehash();
        }
        int i = slot(key);
        while (places[i] != EMPTY && !(keys[i] == key && places[i] >= 0)) {
            i = (i + 1) & (keys.length - 1);
        }
        if (places[i] == EMPTY) {
            used++;
            live++;
        }
        keys[i] = key;
        places[i] = place;
    }

    /** Removes a key if it still stands for this place. */
    void remove(long key, int place) {
        for (int i = slot(key); places[i] != EMPTY; i = (i + 1) & (keys.length - 1)) {
            if (keys[i] == key && places[i] == place) {
                places[i] = REMOVED;
                live--;
                return;
            }
        }
    }

    private void rehash() {
        long[] oldKeys = keys;
        int[] oldPlaces = places;
        int size = 4 * live > oldKeys.length ? 2 * oldKeys.length : oldKeys.length;
        keys = new long[size];
        places = filled(size);
        used = 0;
        live = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldPlaces[i] >= 0) {
                put(oldKeys[i], oldPlaces[i]);
            }
        }
    }
}
