//! `infra/template.yaml` as data.

use serde_json::{Map, Value, json};
use serde_yaml_ng::{Value as Yaml, value::Tag};

use crate::repository;

/// The file.
pub const FILE: &str = "infra/template.yaml";

/// The template, its short intrinsic functions (`!Ref x`) written out (`{"Ref": "x"}`).
#[derive(Clone, Debug)]
pub struct Template(pub Value);

/// A resource: its logical id and its properties.
pub type Resource<'a> = (&'a str, &'a Value);

impl Template {
    /// Reads the file.
    pub fn load() -> Self {
        let yaml: Yaml = serde_yaml_ng::from_str(&repository::text(FILE)).unwrap();
        Self(json(yaml))
    }

    /// Every resource of a type.
    pub fn resources(&self, kind: &str) -> Vec<Resource<'_>> {
        let resources = self.0["Resources"].as_object().unwrap().iter();
        let resources = resources.filter(|(_, resource)| resource["Type"] == kind);
        resources.map(|(id, resource)| (id.as_str(), &resource["Properties"])).collect()
    }

    /// The properties of one resource.
    pub fn resource(&self, id: &str) -> &Value {
        let resource = &self.0["Resources"][id]["Properties"];
        assert!(resource.is_object(), "there is no resource {id}");
        resource
    }

    /// Every Lambda function.
    pub fn functions(&self) -> Vec<Function<'_>> {
        let functions = self.resources("AWS::Serverless::Function").into_iter();
        functions.map(|(id, properties)| Function { template: self, id, properties }).collect()
    }

    /// The function that runs a binary.
    pub fn function(&self, binary: &str) -> Function<'_> {
        let found = self.functions().into_iter().find(|function| function.binary() == binary);
        found.unwrap_or_else(|| panic!("no function runs {binary}"))
    }
}

/// One Lambda function.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    template: &'a Template,
    /// Its logical id.
    pub id: &'a str,
    /// What is written at the function itself.
    pub properties: &'a Value,
}

impl Function<'_> {
    /// The binary it runs.
    pub fn binary(&self) -> &str {
        let metadata = &self.template.0["Resources"][self.id]["Metadata"];
        metadata["BuildProperties"]["Binary"].as_str().unwrap_or_else(|| panic!("{} has no binary", self.id))
    }

    /// A property, its own or every function's.
    pub fn property(&self, name: &str) -> &Value {
        self.properties.get(name).unwrap_or(&self.template.0["Globals"]["Function"][name])
    }

    /// Every environment variable, its own and every function's.
    pub fn environment(&self) -> Map<String, Value> {
        let of = |properties: &Value| {
            properties["Environment"]["Variables"].as_object().cloned().unwrap_or_default()
        };
        let mut environment = of(&self.template.0["Globals"]["Function"]);
        environment.extend(of(self.properties));
        environment
    }

    /// What its role may do: action by action with the resources.
    pub fn permissions(&self) -> Vec<(String, Value)> {
        let role = self.properties["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        permissions(self.template.resource(role))
    }
}

/// The statements of a role's policies.
pub fn statements(role: &Value) -> impl Iterator<Item = &Value> {
    let policies = role["Policies"].as_array().unwrap().iter();
    policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
}

/// What a role may do: action by action with the resources.
pub fn permissions(role: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for statement in statements(role) {
        assert_eq!(statement["Effect"], "Allow");
        for action in list(&statement["Action"]) {
            found.push((action.as_str().unwrap().to_owned(), statement["Resource"].clone()));
        }
    }
    found
}

/// The members of a list; one value counts as a list of one.
pub fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

fn json(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(value) => serde_json::to_value(value).unwrap(),
        Yaml::String(value) => value.into(),
        Yaml::Sequence(values) => values.into_iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            entries.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))).collect()
        }
        Yaml::Tagged(tagged) => intrinsic(&tagged.tag, json(tagged.value)),
    }
}

fn intrinsic(tag: &Tag, value: Value) -> Value {
    let name = tag.to_string();
    match name.trim_start_matches('!') {
        name @ ("Ref" | "Condition") => json!({ name: value }),
        "GetAtt" => {
            let (id, attribute) = value.as_str().unwrap().split_once('.').unwrap();
            json!({ "Fn::GetAtt": [id, attribute] })
        }
        name => json!({ format!("Fn::{name}"): value }),
    }
}
