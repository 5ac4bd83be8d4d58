package peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;

/** A system under test as one process: how it starts, what it used, what it keeps. */
final class Target {
    private static final double TICKS_PER_S = 100;
    private static final List<String> JVM = List.of("-Xms1g", "-Xmx4g", "-XX:+UseParallelGC", "-XX:-UsePerfData",
            "--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED");

    private final Settings settings;
    private final String name;
    private final String run;
    private final Path state;
    private volatile Process process;

    private Target(Settings settings) throws IOException {
        this.settings = settings;
        name = settings.get("name");
        run = name + '-' + Long.toString(System.currentTimeMillis(), 36);
        state = Path.of(settings.get("work"), run);
        Files.createDirectories(state);
    }

    static Target of(Settings settings) throws Exception {
        Target target = new Target(settings);
        if (target.createsTopics()) {
            target.configure();
        }
        return target;
    }

    String name() {
        return name;
    }

    String title() {
        return switch (name) {
            case "duecourse" -> "duecourse";
            case "streams-memory" -> "Kafka Streams, in-memory stores";
            case "streams-rocksdb" -> "Kafka Streams, RocksDB";
            case "flink-memory" -> "Flink, heap backend";
            default -> "Flink, RocksDB backend";
        };
    }

    boolean createsTopics() {
        return name.equals("duecourse");
    }

    String input() {
        return run + ".events";
    }

    String output() {
        return run + ".dispositions";
    }

    String devices() {
        return run + ".devices";
    }

    Path log() {
        return state.resolve("log");
    }

    private void configure() throws Exception {
        StringBuilder text = new StringBuilder();
        text.append("time = \"event\"\n[rules]\ndir = \"").append(Path.of(settings.get("work"), "rules"))
                .append("\"\ngo_live_on_first_start = true\n[kafka]\nbootstrap_servers = \"").append(settings.get("servers"))
                .append("\"\nreplication = 1\nsource_partitions = 1\nfacts_partitions = ").append(settings.get("partitions", "1"))
                .append("\ngroup = \"").append(run).append("\"\ninstance_id = \"bench\"\n[http]\nlisten = \"\"\n[snapshots]\ndir = \"")
                .append(state.resolve("snapshots")).append("\"\n");
        for (String topic : List.of("facts", "dispositions", "notices", "measures", "decided", "shadow", "dead_letters")) {
            text.append("[topics.").append(topic).append("]\nname = \"").append(run).append('.').append(topic).append("\"\n");
        }
        text.append("[[sources]]\nname = \"events\"\ntopic = \"").append(input()).append("\"\nmapping = \"native\"\ngeneration = 1\n");
        Files.writeString(state.resolve("config.toml"), text);
        Process made = builder(List.of(settings.get("duecourse"), "topics", "create", "--config", config())).start();
        if (made.waitFor() != 0) {
            throw new IOException("topics create failed: " + Files.readString(log()));
        }
    }

    private String config() {
        return state.resolve("config.toml").toString();
    }

    private ProcessBuilder builder(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
        builder.environment().put("DUECOURSE_LOG", "warn");
        return builder;
    }

    void start() throws IOException {
        process = builder(name.equals("duecourse") ? List.of(settings.get("duecourse"), "serve", "--config", config()) : java()).start();
    }

    private List<String> java() throws IOException {
        boolean streams = name.startsWith("streams");
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(JVM);
        command.add("-Dlog4j2.configurationFile=" + settings.get("log4j"));
        command.add("-cp");
        command.add(settings.get(streams ? "streams_classes" : "flink_classes"));
        command.add(streams ? "peers.StreamsPeer" : "peers.FlinkPeer");
        command.addAll(List.of("name=" + run, "servers=" + settings.get("servers"), "rules=" + settings.get("work") + "/rules.tsv",
                "store=" + name.substring(name.indexOf('-') + 1), "state=" + state.resolve("state"), "input=" + input(),
                "output=" + output(), "devices=" + devices(), "commit_ms=" + settings.get(streams ? "streams_commit_ms" : "flink_commit_ms"),
                "restore=" + latestCheckpoint()));
        return command;
    }

    /** A deployment's operator would find it too: the newest checkpoint that is complete. */
    private String latestCheckpoint() throws IOException {
        Path checkpoints = state.resolve("state/checkpoints");
        if (!Files.isDirectory(checkpoints)) {
            return "";
        }
        try (Stream<Path> files = Files.find(checkpoints, 3, (path, kind) -> path.endsWith("_metadata"))) {
            return files.max((a, b) -> Long.compare(modified(a), modified(b))).map(path -> path.getParent().toUri().toString()).orElse("");
        }
    }

    private static long modified(Path path) {
        return path.toFile().lastModified();
    }

    /** User and system time of the process, in seconds. */
    double[] cpuSeconds() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new double[] {Long.parseLong(fields[11]) / TICKS_PER_S, Long.parseLong(fields[12]) / TICKS_PER_S};
    }

    String memory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            if (line.startsWith("VmHWM:")) {
                return String.format(Locale.ROOT, "%.2f GB", Long.parseLong(line.replaceAll("\\D", "")) / 1e6);
            }
        }
        return "?";
    }

    /** Bytes of local state, and of what the broker keeps for it besides input and dispositions. */
    String disk() throws Exception {
        long local = 0;
        try (Stream<Path> files = Files.walk(state)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                local += Files.size(file);
            }
        }
        long broker = 0;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", settings.get("servers")))) {
            for (var disk : admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values()) {
                for (var entry : disk.replicaInfos().entrySet()) {
                    String topic = entry.getKey().topic();
                    if (topic.startsWith(run) && !topic.equals(input()) && !topic.equals(output())) {
                        broker += entry.getValue().size();
                    }
                }
            }
        }
        return String.format(Locale.ROOT, "%.0f + %.0f MB", local / 1e6, broker / 1e6);
    }

    /** As {@code kill -9}. */
    void kill() {
        if (process != null) {
            process.destroyForcibly().onExit().join();
        }
    }

    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(40, TimeUnit.SECONDS)) {
            kill();
        }
    }
}
