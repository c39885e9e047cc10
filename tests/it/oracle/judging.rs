//! Asking everything and holding the answers against the model; and then against models that are wrong in
//! one point, which they must not agree with.

use anyhow::{Context, Result, ensure};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::{COMPARED, Difference, Found, Judged, Model, Moment, Own, Question};
use serde_json::json;

use super::asking::{Asker, Viewer};

/// Questions that wait for an answer at a time.
const ASKED_AT_ONCE: usize = 8;
/// Of a method with a question for each account or post, so many are asked for each viewer.
const ASKED_OF_EACH_MAX: usize = 10;
/// Models with an error that are tried on each program.
const MUTANTS: usize = 3;

/// What one program said.
pub struct Judgement {
    pub answers: usize,
    pub differences: Vec<Wrong>,
}

/// An answer that is not what it must be.
pub struct Wrong {
    /// Method and place: wrong answers of one kind usually have one cause.
    pub kind: String,
    /// Everything somebody needs to find out why.
    pub report: String,
}

/// An answer, to whom, and to which question.
struct Given {
    viewer: Option<String>,
    question: Question,
    found: Found,
}

/// Asks one program everything, for everybody.
pub async fn judge(
    store: &str,
    asker: &Asker,
    moments: &[Moment],
    own: &Own,
    viewers: &[Viewer],
    rng: &Rng,
) -> Result<Judgement> {
    let mut model = Model::new(moments, own.clone());
    learn(asker, &mut model).await?;
    let mut everybody: Vec<Option<&Viewer>> = viewers.iter().map(Some).collect();
    everybody.push(None);
    let mut given = Vec::new();
    for viewer in everybody {
        let asked = questions(&model, viewer, rng).into_iter().map(|question| async move {
            let found = asker.ask(viewer, &question).await?;
            let viewer = viewer.map(|viewer| viewer.did.to_string());
            anyhow::Ok(Given { viewer, question, found })
        });
        let answers: Vec<Given> = stream::iter(asked).buffered(ASKED_AT_ONCE).try_collect().await?;
        given.extend(answers);
    }
    let mut differences = Vec::new();
    for given in &given {
        differences.extend(given.differs(&model).map(|difference| given.wrong(store, difference)));
    }
    if differences.is_empty() {
        notices_errors(&given, moments, own, rng)?;
    }
    Ok(Judgement { answers: given.len(), differences })
}

impl Given {
    fn differs(&self, model: &Model) -> Option<Difference> {
        let view = model.view(self.viewer.as_deref());
        self.question.check(&view, &self.found).err()
    }

    fn wrong(&self, store: &str, difference: Difference) -> Wrong {
        let who = self.viewer.as_deref().unwrap_or("nobody in particular");
        let place: Vec<&str> =
            difference.at.split('/').filter(|step| step.parse::<usize>().is_err()).collect();
        Wrong {
            kind: format!("{store} {} {}", self.question.nsid, place.join("/")),
            report: format!("{store}: {:?} for {who}\n{difference}", self.question),
        }
    }
}

/// What is asked for one viewer.
fn questions(model: &Model, viewer: Option<&Viewer>, rng: &Rng) -> Vec<Question> {
    let view = model.view(viewer.map(|viewer| viewer.did.as_str()));
    let each = COMPARED.iter().flat_map(|compared| {
        let mut questions = compared.questions(&view);
        if compared.about.is_per_thing() {
            while questions.len() > ASKED_OF_EACH_MAX {
                let at = usize::try_from(rng.below(questions.len() as u64)).unwrap_or(0);
                questions.swap_remove(at);
            }
        }
        questions
    });
    each.collect()
}

/// Asks what was judged of posts where only the order of indexing could tell.
async fn learn(asker: &Asker, model: &mut Model) -> Result<()> {
    let unsure = model.unsure().to_vec();
    if unsure.is_empty() {
        return Ok(());
    }
    let answer = asker.internal("hydrate", json!({"posts": unsure})).await?;
    let posts = answer["posts"].as_array().context("posts")?;
    for uri in &unsure {
        let post = posts.iter().find(|post| post["uri"] == json!(uri));
        let post = post.with_context(|| format!("{uri} is not there"))?;
        let is = |name: &str| post[name].as_bool().unwrap_or(false);
        let judged = Judged {
            violates_threadgate: is("violatesThreadgate"),
            violates_postgate: is("violatesPostgate"),
        };
        model.learn(uri, judged);
    }
    Ok(())
}

/// Answers that are right must be wrong of a network in which one record is missing.
fn notices_errors(given: &[Given], moments: &[Moment], own: &Own, rng: &Rng) -> Result<()> {
    const COUNTED: [&str; 4] = [
        "app.bsky.feed.post",
        "app.bsky.graph.follow",
        "app.bsky.feed.like",
        "app.bsky.feed.repost",
    ];
    let last = moments.last().context("a moment")?;
    let model = Model::new(moments, own.clone());
    for collection in COUNTED.iter().cycle().take(MUTANTS) {
        let records = model.records_that_show(collection);
        let at = usize::try_from(rng.below(records.len() as u64)).unwrap_or(0);
        let Some((did, path)) = records.get(at) else { continue };
        let mut without = moments.to_vec();
        for moment in &mut without {
            if let Some(account) = moment.accounts.get_mut(did) {
                account.records.remove(path);
            }
        }
        let mutant = Model::new(&without, own.clone());
        let noticed = given.iter().any(|given| given.differs(&mutant).is_some());
        ensure!(noticed, "nobody misses {did}/{path} among {} accounts", last.accounts.len());
    }
    Ok(())
}
