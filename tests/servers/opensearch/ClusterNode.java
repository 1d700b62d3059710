import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** One node in a process of its own, so that it can be killed; each argument is a setting. */
public class ClusterNode extends Node {
    ClusterNode(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, ReindexPlugin.class), false);
    }

    public static void main(String[] arguments) throws Exception {
        Settings.Builder settings = Settings.builder();
        for (String one : arguments) {
            String[] pair = one.split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        new ClusterNode(new Environment(settings.build(), null)).start();
        Thread.currentThread().join();
    }
}
