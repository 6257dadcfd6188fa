//! The link ledger on the command line and over HTTP: listed, ended, moved, matched anew, and taken back.

use serde_json::{Value, json};

use crate::{
    server::Server,
    tool::Folder,
    world::{after_demo, assert_unique},
};

/// A demo with a tenant in it, and two people of that tenant who are linked.
struct Demo {
    folder: Folder,
    tenant: String,
    people: Vec<Value>,
}

impl Demo {
    fn new() -> Self {
        let (folder, _) = after_demo();
        let links = folder.json(&["links", "list", "--standing", "active", "--limit", "1000"]);
        let tenant = links[0]["managedTenantId"].as_str().unwrap().to_owned();
        let links = links.as_array().unwrap().clone();
        let people: Vec<Value> =
            links.into_iter().filter(|link| link["managedTenantId"] == *tenant).take(2).collect();
        assert_eq!(people.len(), 2);
        Self { folder, tenant, people }
    }

    fn id(&self, person: usize) -> &str {
        self.people[person]["entraObjectId"].as_str().unwrap()
    }

    fn email(&self, person: usize) -> &str {
        self.people[person]["email"].as_str().unwrap()
    }

    /// How the person's link stands, as it is found by the address.
    fn standing(&self, person: usize) -> Value {
        let found =
            self.folder.json(&["links", "list", "--tenant", &self.tenant, "--text", self.email(person)]);
        let links = found.as_array().unwrap();
        links.iter().find(|link| link["entraObjectId"] == self.id(person)).unwrap().clone()
    }

    fn contact(&self, id: &Value) -> Value {
        let contacts = self.folder.export("contacts");
        assert_unique(&contacts);
        contacts.into_iter().find(|contact| contact["contactNameId"] == *id).unwrap()
    }
}

#[test]
fn a_link_is_cut_stays_cut_and_is_matched_anew() {
    let demo = Demo::new();
    let contact = demo.standing(0)["contactNameId"].clone();
    let (tenant, person) = (demo.tenant.as_str(), demo.email(0));
    let preview = demo.folder.run(&["links", "cut", "--tenant", tenant, "--person", person, "--preview"]);
    let preview = preview.ended_with(2);
    assert!(preview.stdout.contains("no sync links the person again until `links rematch`"));
    assert!(preview.stderr.contains("runs apply"));
    assert_eq!(demo.standing(0)["standing"], "active", "a preview writes nothing");

    let cut = demo.folder.json(&["links", "cut", "--tenant", tenant, "--person", person]);
    assert_eq!((&cut[0]["run"]["runType"], &cut[0]["run"]["linkChange"]), (&json!("links"), &json!("cut")));
    assert_eq!(
        (&cut[0]["run"]["summary"]["unlinked"], &cut[0]["lines"][0]["action"]),
        (&json!(1), &json!("unlink"))
    );
    assert_eq!(demo.standing(0)["standing"], "cut");
    let left = demo.contact(&contact);
    assert_eq!((&left["entraObjectId"], &left["isInactive"]), (&Value::Null, &json!(false)));
    demo.folder.json(&["sync"]);
    assert_eq!(demo.standing(0)["standing"], "cut", "no sync links it again");
    let story = demo.folder.json(&["runs", "person", "--tenant", tenant, demo.id(0)]);
    let told: Vec<&Value> = story["moments"].as_array().unwrap().iter().map(|it| &it["action"]).collect();
    assert!(told.contains(&&json!("unlink")) && told.contains(&&json!("exclude")), "{told:?}");

    let stranger = ["links", "move", "--tenant", tenant, "--person", person, "--contact", demo.id(1)];
    demo.folder.run(&stranger).failed_with("contact_not_found");

    let matched = demo.folder.json(&["links", "rematch", "--tenant", tenant, "--person", demo.id(0)]);
    assert_eq!(matched[0]["run"]["summary"]["linked"], 1);
    assert_eq!(
        (&demo.standing(0)["standing"], &demo.standing(0)["contactNameId"]),
        (&json!("active"), &contact)
    );
    assert_eq!(demo.folder.json(&["runs", "verify", run_of(&matched)])["intact"], true);
}

#[test]
fn all_links_that_fit_a_filter_are_changed_at_once_and_taken_back() {
    let demo = Demo::new();
    let of_tenant = || demo.folder.json(&["links", "list", "--tenant", &demo.tenant, "--limit", "1000"]);
    let before = of_tenant();
    let all = before.as_array().unwrap().len();
    demo.folder.run(&["links", "cut", "--tenant", &demo.tenant]).failed_with("people_missing");
    demo.folder
        .run(&["links", "cut", "--tenant", &demo.tenant, "--person", "no@body.example"])
        .failed_with("not_linked");
    let cut = demo.folder.json(&["links", "cut", "--tenant", &demo.tenant, "--all"]);
    assert_eq!(cut[0]["run"]["summary"]["unlinked"], all);
    let list = of_tenant();
    assert!(list.as_array().unwrap().iter().all(|link| link["standing"] == "cut"));
    let nothing = demo.folder.json(&["links", "cut", "--tenant", &demo.tenant, "--standing", "dead"]);
    assert_eq!(nothing, json!([]));

    demo.folder.json(&["runs", "undo", run_of(&cut)]);
    let pairs = |list: &Value| -> Vec<Value> {
        let links = list.as_array().unwrap().iter();
        links.map(|link| json!([link["entraObjectId"], link["contactNameId"], link["standing"]])).collect()
    };
    assert_eq!(pairs(&of_tenant()), pairs(&before));
    // Everybody fits where they are.
    let matched = demo.folder.json(&["links", "rematch", "--tenant", &demo.tenant, "--standing", "active"]);
    assert_eq!((&matched[0]["run"]["status"], &matched[0]["lines"]), (&json!("completed"), &json!([])));
}

#[test]
fn the_ledger_works_over_http_and_refuses_what_makes_no_sense() {
    let demo = Demo::new();
    let server = Server::start(&demo.folder);
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&format!("/links?limit=7&managedTenantId={}{cursor}", demo.tenant)).json();
        seen.extend(
            page["data"]["links"].as_array().unwrap().iter().map(|link| link["entraObjectId"].clone()),
        );
        match page["data"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen.len() > 2 && seen.iter().all(|id| seen.iter().filter(|it| *it == id).count() == 1));

    let person = demo.id(0);
    let stranger = "00000000-0000-4000-8000-000000000000";
    let named = |people: Value| json!({"managedTenantId": demo.tenant, "entraObjectIds": people});
    let many: Vec<String> = (0..501).map(|number| format!("00000000-0000-4000-8000-{number:012}")).collect();
    for (path, body, status, code) in [
        ("cut", json!({}), 400, "tenant_missing"),
        ("cut", named(json!([])), 400, "too_many_people"),
        ("cut", named(json!(many)), 400, "too_many_people"),
        ("cut", named(json!(["x"])), 400, "invalid_id"),
        ("cut", named(json!([person, person])), 400, "person_named_twice"),
        ("cut", named(json!([person, stranger])), 409, "not_linked"),
        ("rematch", json!({"managedTenantId": stranger, "entraObjectIds": [person]}), 404, "unknown_tenant"),
        ("move", json!({"managedTenantId": demo.tenant, "moves": [{}]}), 400, "person_missing"),
        (
            "move",
            json!({"managedTenantId": demo.tenant, "moves": [{"entraObjectId": person}]}),
            400,
            "person_named_twice",
        ),
        (
            "move",
            json!({"managedTenantId": demo.tenant,
                "moves": [{"entraObjectId": person, "contactNameId": stranger}]}),
            404,
            "contact_not_found",
        ),
    ] {
        server.post(&format!("/links/{path}"), &body.to_string()).refuses(status, code);
    }
    for (query, code) in [
        ("standing=good", "invalid_standing"),
        ("cursor=x", "invalid_cursor"),
        ("clientId=x", "invalid_id"),
        (&*format!("text={}", "x".repeat(321)), "invalid_text"),
    ] {
        server.get(&format!("/links?{query}")).refuses(400, code);
    }
    let body = json!({
        "managedTenantId": demo.tenant, "entraObjectIds": [person], "forget": true, "preview": true,
    });
    let answer = server.post("/links/cut", &body.to_string());
    assert_eq!((answer.status, &answer.json()["data"]["isDryRun"]), (202, &json!(true)));
    assert_eq!(answer.json()["data"]["change"], "forget");
}

fn run_of(changed: &Value) -> &str {
    changed[0]["run"]["runId"].as_str().unwrap()
}
