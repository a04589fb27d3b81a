import { withPayload } from "@payloadcms/next/withPayload";

// Without a root of its own Next takes the folder of the nearest other lock file.
export default withPayload({ turbopack: { root: import.meta.dirname } });
