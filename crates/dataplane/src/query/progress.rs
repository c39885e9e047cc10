//! `getSourceProgress`: how far each source is visible in the answers given here.

use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question};
use crate::error::DataplaneError;
use crate::model::SourceProgress;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSourceProgress {}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub sources: Vec<SourceProgress>,
}

impl Question for GetSourceProgress {
    const NAME: &'static str = "getSourceProgress";
    type Answer = Progress;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Progress, DataplaneError> {
        let sources = tx.query(
            "SELECT source, visible_seq FROM source_progress ORDER BY source",
            &[],
            |row| Ok(SourceProgress { source: row.get(0)?, visible_seq: row.get(1)? }),
        )?;
        Ok(Progress { sources })
    }
}
