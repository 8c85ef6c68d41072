//! Revisions of the protocol.

use super::names;

names! {
    /// Revisions of the protocol, oldest first.
    Revision {
        /// 2024-11-05: HTTP+SSE, no authorization.
        R20241105 = "2024-11-05",
        /// 2025-03-26: Streamable HTTP, first authorization chapter.
        R20250326 = "2025-03-26",
        /// 2025-06-18: protected resource metadata, resource indicators.
        R20250618 = "2025-06-18",
        /// 2025-11-25: client metadata documents, scope challenges.
        R20251125 = "2025-11-25",
        /// 2026-07-28: stateless.
        R20260728 = "2026-07-28",
    }
}
