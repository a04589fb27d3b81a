import { withPayload } from "@payloadcms/next/withPayload";

// Without this, Next uses the folder of the nearest other lock file as its root.
export default withPayload({ turbopack: { root: import.meta.dirname } });
